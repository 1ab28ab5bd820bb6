-- SHA-1 (FIPS 180-4, 6.1), which PostgreSQL's core has not.
CREATE FUNCTION @name@_sha1(data bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    low CONSTANT bigint := 4294967295;
    message bytea := data || '\x80'::bytea || decode(repeat('00', (119 - length(data) % 64) % 64), 'hex')
        || int8send(length(data)::bigint * 8);
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; x bigint;
    answer bytea := '';
BEGIN
    FOR block IN 0 .. length(message) / 64 - 1 LOOP
        FOR i IN 0 .. 79 LOOP
            IF i < 16 THEN
                x := 0;
                FOR j IN 0 .. 3 LOOP
                    x := x * 256 + get_byte(message, block * 64 + i * 4 + j);
                END LOOP;
            ELSE
                x := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
                x := ((x << 1) | (x >> 31)) & low;
            END IF;
            w[i] := x;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR i IN 0 .. 79 LOOP
            f := CASE i / 20
                WHEN 0 THEN ((b & c) | ((~ b) & low & d)) + 1518500249
                WHEN 1 THEN (b # c # d) + 1859775393
                WHEN 2 THEN ((b & c) | (b & d) | (c & d)) + 2400959708
                ELSE (b # c # d) + 3395469782
            END;
            x := ((((a << 5) | (a >> 27)) & low) + f + e + w[i]) & low;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & low; b := a; a := x;
        END LOOP;
        h := ARRAY[(h[1] + a) & low, (h[2] + b) & low, (h[3] + c) & low, (h[4] + d) & low, (h[5] + e) & low];
    END LOOP;
    FOR i IN 1 .. 5 LOOP
        answer := answer || substring(int8send(h[i]) FROM 5);
    END LOOP;
    RETURN answer;
END $$;
