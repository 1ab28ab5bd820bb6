-- A stand-in for pgcrypto 1.4. Digests, HMACs and random bytes are true. crypt() gives a text of the right shape that
-- compares as it should, but is not the real hash. What cannot be computed here says so when it is called.
CREATE FUNCTION @name@_cannot(what text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RAISE feature_not_supported USING
        MESSAGE = format('the stand-in for pgcrypto cannot compute %s', what),
        HINT = 'Rehearse on a PostgreSQL that has pgcrypto: --postgres-version or --postgres-bin.';
END $$;

CREATE FUNCTION digest(bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE lower($2)
        WHEN 'md5' THEN decode(md5($1), 'hex')
        WHEN 'sha1' THEN @name@_sha1($1)
        WHEN 'sha224' THEN sha224($1)
        WHEN 'sha256' THEN sha256($1)
        WHEN 'sha384' THEN sha384($1)
        WHEN 'sha512' THEN sha512($1)
        ELSE @name@_cannot(format('digests of the kind "%s"', $2))
    END;
CREATE FUNCTION digest(text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN digest(convert_to($1, getdatabaseencoding()), $2);

-- A key for one of HMAC's two passes (RFC 2104): filled to the block's length, every byte XORed.
CREATE FUNCTION @name@_pad(key bytea, size integer, mask integer) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    answer bytea := decode(repeat(lpad(to_hex(mask), 2, '0'), size), 'hex');
BEGIN
    FOR i IN 0 .. length(key) - 1 LOOP
        answer := set_byte(answer, i, get_byte(key, i) # mask);
    END LOOP;
    RETURN answer;
END $$;
CREATE FUNCTION @name@_hmac(data bytea, key bytea, type text, size integer) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN digest(@name@_pad(key, size, 92) || digest(@name@_pad(key, size, 54) || data, type), type);
CREATE FUNCTION hmac(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN lower($3) IN ('sha384', 'sha512')
        THEN @name@_hmac($1, CASE WHEN length($2) > 128 THEN digest($2, $3) ELSE $2 END, $3, 128)
        ELSE @name@_hmac($1, CASE WHEN length($2) > 64 THEN digest($2, $3) ELSE $2 END, $3, 64)
    END;
CREATE FUNCTION hmac(text, text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN hmac(convert_to($1, getdatabaseencoding()), convert_to($2, getdatabaseencoding()), $3);

CREATE FUNCTION gen_random_bytes(count integer) RETURNS bytea LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    answer bytea := '';
BEGIN
    IF count NOT BETWEEN 1 AND 1024 THEN
        RAISE external_routine_invocation_exception USING MESSAGE = 'Length not in range';
    END IF;
    WHILE length(answer) < count LOOP
        answer := answer || sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    END LOOP;
    RETURN substring(answer FROM 1 FOR count);
END $$;
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN pg_catalog.gen_random_uuid();

CREATE FUNCTION @name@_letters(data bytea, count integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN left(translate(encode(data, 'base64'), E'+=\n', '.'), count);
CREATE FUNCTION gen_salt(type text, rounds integer) RETURNS text LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    noise text := translate(encode(sha256(uuid_send(gen_random_uuid())), 'base64'), '+=', '.');
BEGIN
    CASE lower(type)
        WHEN 'bf' THEN RETURN '$2a$' || lpad((CASE rounds WHEN 0 THEN 6 ELSE rounds END)::text, 2, '0') || '$' || left(noise, 22);
        WHEN 'md5' THEN RETURN '$1$' || left(noise, 8);
        WHEN 'xdes' THEN RETURN '_' || left(noise, 8);
        WHEN 'des' THEN RETURN left(noise, 2);
        ELSE RAISE invalid_parameter_value USING MESSAGE = 'gen_salt: Unknown salt algorithm';
    END CASE;
END $$;
CREATE FUNCTION gen_salt(text) RETURNS text LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN gen_salt($1, 0);
CREATE FUNCTION crypt(password text, salt text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE
        WHEN salt LIKE '$2_$%'
            THEN left(salt, 29) || @name@_letters(sha256(convert_to(left(salt, 29) || password, 'UTF8')), 31)
        WHEN salt LIKE '$1$%'
            THEN '$1$' || split_part(salt, '$', 3) || '$'
                || @name@_letters(sha256(convert_to(split_part(salt, '$', 3) || password, 'UTF8')), 22)
        WHEN salt LIKE '\_%'
            THEN left(salt, 9) || @name@_letters(sha256(convert_to(left(salt, 9) || password, 'UTF8')), 11)
        ELSE left(salt, 2) || @name@_letters(sha256(convert_to(left(salt, 2) || password, 'UTF8')), 11)
    END;

CREATE FUNCTION encrypt(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('encrypt()');
CREATE FUNCTION decrypt(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('decrypt()');
CREATE FUNCTION encrypt_iv(bytea, bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('encrypt_iv()');
CREATE FUNCTION decrypt_iv(bytea, bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('decrypt_iv()');
CREATE FUNCTION pgp_sym_encrypt(text, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_sym_encrypt()');
CREATE FUNCTION pgp_sym_encrypt(text, text, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_sym_encrypt()');
CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_sym_encrypt_bytea()');
CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_sym_encrypt_bytea()');
CREATE FUNCTION pgp_sym_decrypt(bytea, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('pgp_sym_decrypt()'), 'escape');
CREATE FUNCTION pgp_sym_decrypt(bytea, text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('pgp_sym_decrypt()'), 'escape');
CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_sym_decrypt_bytea()');
CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_sym_decrypt_bytea()');
CREATE FUNCTION pgp_pub_encrypt(text, bytea) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_encrypt()');
CREATE FUNCTION pgp_pub_encrypt(text, bytea, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_encrypt()');
CREATE FUNCTION pgp_pub_encrypt_bytea(bytea, bytea) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_encrypt_bytea()');
CREATE FUNCTION pgp_pub_encrypt_bytea(bytea, bytea, text) RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_encrypt_bytea()');
CREATE FUNCTION pgp_pub_decrypt(bytea, bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('pgp_pub_decrypt()'), 'escape');
CREATE FUNCTION pgp_pub_decrypt(bytea, bytea, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('pgp_pub_decrypt()'), 'escape');
CREATE FUNCTION pgp_pub_decrypt(bytea, bytea, text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('pgp_pub_decrypt()'), 'escape');
CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_decrypt_bytea()');
CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_decrypt_bytea()');
CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea, text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('pgp_pub_decrypt_bytea()');
CREATE FUNCTION pgp_key_id(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('pgp_key_id()'), 'escape');
CREATE FUNCTION armor(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('armor()'), 'escape');
CREATE FUNCTION armor(bytea, text[], text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(@name@_cannot('armor()'), 'escape');
CREATE FUNCTION dearmor(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_cannot('dearmor()');
