-- migration
CREATE TABLE payment (id bigint PRIMARY KEY, amount double precision NOT NULL, currency char(3) NOT NULL);
-- expect: style proved
-- static: none
