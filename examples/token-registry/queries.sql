-- What the application asks, and how often: `pgassay tune examples/token-registry --workload examples/token-registry/queries.sql`

-- the largest holders of a token
-- calls: 500
SELECT address, balance FROM holder WHERE token_id = $1 ORDER BY balance DESC LIMIT 20;

-- the tokens of a wallet
-- calls: 2000
SELECT token_id, balance FROM holder WHERE address = $1;

-- search by ticker, however it is written
-- calls: 800
SELECT id, name FROM token WHERE lower(ticker) = $1;

-- what happened last
-- calls: 300
SELECT block_number, log_index, from_address, to_address, amount FROM transfer
 ORDER BY block_number DESC, log_index DESC LIMIT 25;

-- transfers of a day
-- calls: 20
SELECT count(*), sum(amount) FROM transfer WHERE block_time >= $1 AND block_time < $1 + interval '1 day';
