-- migration
CREATE TABLE payment (id bigint PRIMARY KEY, amount numeric NOT NULL, currency char(3) NOT NULL);
CREATE TABLE recipe (id bigint PRIMARY KEY, ingredient text NOT NULL, amount double precision NOT NULL);
CREATE TABLE candle (id bigint PRIMARY KEY, open_price double precision NOT NULL);
-- expect: none
