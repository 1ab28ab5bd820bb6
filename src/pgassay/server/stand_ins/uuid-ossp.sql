-- A stand-in for uuid-ossp 1.1: the same functions and results (RFC 9562), in SQL.
CREATE FUNCTION uuid_nil() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '00000000-0000-0000-0000-000000000000'::uuid;
CREATE FUNCTION uuid_ns_dns() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_url() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_oid() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;
CREATE FUNCTION uuid_ns_x500() RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

-- The first 16 bytes of a hash, marked with the version and the variant.
CREATE FUNCTION @name@_mark(hash bytea, version integer) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN encode(
        set_byte(
            set_byte(substring(hash FROM 1 FOR 16), 6, (get_byte(hash, 6) & 15) | (version << 4)),
            8, (get_byte(hash, 8) & 63) | 128
        ), 'hex'
    )::uuid;

CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_mark(decode(md5(uuid_send(namespace) || convert_to(name, 'UTF8')), 'hex'), 3);
CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN @name@_mark(@name@_sha1(uuid_send(namespace) || convert_to(name, 'UTF8')), 5);
CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN gen_random_uuid();

-- Time in units of 100 ns since 1582-10-15; clock sequence and node (multicast bit set) are random.
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
    ticks bytea := int8send((extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 122192928000000000);
    noise bytea := uuid_send(gen_random_uuid());
BEGIN
    ticks := set_byte(ticks, 0, (get_byte(ticks, 0) & 15) | 16);
    noise := set_byte(noise, 10, get_byte(noise, 10) | 1);
    RETURN encode(substring(ticks FROM 5 FOR 4) || substring(ticks FROM 3 FOR 2) || substring(ticks FROM 1 FOR 2)
        || substring(noise FROM 9 FOR 8), 'hex')::uuid;
END $$;
CREATE FUNCTION uuid_generate_v1() RETURNS uuid LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
    RETURN uuid_generate_v1mc();
