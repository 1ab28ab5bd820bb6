CREATE TABLE "identity" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	"address" "evm_address" NOT NULL,
	"country" integer NOT NULL,
	"frozen" boolean DEFAULT false NOT NULL,
	CONSTRAINT "identity_address_unique" UNIQUE("address")
);
--> statement-breakpoint
ALTER TABLE "holder" ADD COLUMN "identity_id" bigint;--> statement-breakpoint
ALTER TABLE "token" ADD COLUMN "paused" boolean DEFAULT false NOT NULL;
