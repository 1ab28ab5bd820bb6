CREATE TYPE "public"."token_standard" AS ENUM('erc20', 'erc721', 'erc1155');--> statement-breakpoint
CREATE DOMAIN "public"."evm_address" AS varchar(42) CHECK (VALUE ~ '^0x[0-9a-f]{40}$');--> statement-breakpoint
CREATE TABLE "token" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"chain_id" integer NOT NULL,
	"contract_address" "evm_address" NOT NULL,
	"standard" "token_standard" DEFAULT 'erc20' NOT NULL,
	"symbol" text NOT NULL,
	"name" text NOT NULL,
	"decimals" smallint DEFAULT 18 NOT NULL,
	"total_supply" numeric(78, 0) DEFAULT '0' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "token_chain_contract_unique" UNIQUE("chain_id","contract_address"),
	CONSTRAINT "token_decimals_range" CHECK ("decimals" BETWEEN 0 AND 77)
);
