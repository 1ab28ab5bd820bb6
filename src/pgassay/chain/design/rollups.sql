-- name: transfers
CREATE FUNCTION {function}() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE sign integer := CASE tg_op WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
  WITH moves AS (
    SELECT {read}, m.account, sum(m.amount) * sign AS delta
    FROM changed e {items}CROSS JOIN LATERAL (VALUES (e.{giver}, -{amount}), (e.{taker}, {amount})) AS m (account, amount)
    WHERE m.account <> {zero}
    GROUP BY {by}, m.account
    HAVING sum(m.amount) <> 0
  ), applied AS (
    -- In the order of the key, so that two writers wait for each other instead of deadlocking.
    INSERT INTO {balances} AS b ({scope}, account, balance)
    SELECT {scope}, account, delta FROM moves ORDER BY {scope}, account
    ON CONFLICT ({scope}, account) DO UPDATE SET balance = b.balance + excluded.balance
    RETURNING {returned}, b.account, b.balance
  ), holding AS (
    SELECT {scope}, count(*) FILTER (WHERE balance > 0 AND balance - delta <= 0)
      - count(*) FILTER (WHERE balance <= 0 AND balance - delta > 0) AS holders
    FROM applied JOIN moves USING ({scope}, account) GROUP BY {scope}
  ), totals AS (
    SELECT {read}, count(*) * sign AS transfers, sum({amount}) * sign AS volume,
      coalesce(sum({amount}) FILTER (WHERE e.{giver} = {zero}), 0) * sign AS minted,
      coalesce(sum({amount}) FILTER (WHERE e.{taker} = {zero}), 0) * sign AS burned
    FROM changed e {items}GROUP BY {by}
  )
  INSERT INTO {statistics} AS s ({scope}, transfers, volume, minted, burned, holders)
  SELECT {scope}, transfers, volume, minted, burned, coalesce(holders, 0)
  FROM totals LEFT JOIN holding USING ({scope}) ORDER BY {scope}
  ON CONFLICT ({scope}) DO UPDATE SET transfers = s.transfers + excluded.transfers, volume = s.volume + excluded.volume,
    minted = s.minted + excluded.minted, burned = s.burned + excluded.burned, holders = s.holders + excluded.holders;
  INSERT INTO {daily} AS d ({scope}, day, transfers, volume, minted, burned)
  SELECT {read}, {day}, count(*) * sign, sum({amount}) * sign,
    coalesce(sum({amount}) FILTER (WHERE e.{giver} = {zero}), 0) * sign,
    coalesce(sum({amount}) FILTER (WHERE e.{taker} = {zero}), 0) * sign
  FROM changed e {items}{time}
  GROUP BY {by}, {day} ORDER BY {by}, {day}
  ON CONFLICT ({scope}, day) DO UPDATE SET transfers = d.transfers + excluded.transfers,
    volume = d.volume + excluded.volume, minted = d.minted + excluded.minted, burned = d.burned + excluded.burned;
  RETURN NULL;
END $body$

-- name: amounts
CREATE FUNCTION {function}() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE sign integer := CASE tg_op WHEN 'INSERT' THEN {sign} ELSE -({sign}) END;
BEGIN
  INSERT INTO {table} AS t ({scope}, {key}, amount)
  SELECT {read}, e.{column}, sum(e.{value}) * sign FROM changed e
  GROUP BY {by}, e.{column} ORDER BY {by}, e.{column}
  ON CONFLICT ({scope}, {key}) DO UPDATE SET amount = t.amount + excluded.amount;
  RETURN NULL;
END $body$

-- name: latest
CREATE FUNCTION {function}() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  WITH touched AS (
    SELECT DISTINCT {touched} FROM changed e {items}
  ), latest AS (
    SELECT k.*, l.* FROM touched k LEFT JOIN LATERAL (
      SELECT * FROM (
        {sources}
      ) e ORDER BY {newest} LIMIT 1
    ) l ON true
  ), gone AS (
    -- After a reorganisation nothing may be left that says so.
    DELETE FROM {table} s USING latest l WHERE {same} AND l.{place} IS NULL
  )
  INSERT INTO {table} AS s ({columns})
  SELECT {selected} FROM latest l WHERE l.{place} IS NOT NULL ORDER BY {sorted}
  ON CONFLICT ({keys}) DO UPDATE SET {assigned}
  WHERE tg_op = 'DELETE' OR ({newer}) >= ({older});
  RETURN NULL;
END $body$

-- name: trigger
CREATE TRIGGER {name} AFTER {operation} ON {table} REFERENCING {side} TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION {function}()
