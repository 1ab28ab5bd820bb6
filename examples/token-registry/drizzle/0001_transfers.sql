CREATE TABLE "holder" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	"token_id" uuid NOT NULL,
	"address" "evm_address" NOT NULL,
	"balance" numeric(78, 0) DEFAULT '0' NOT NULL,
	CONSTRAINT "holder_token_address_unique" UNIQUE("token_id","address")
);
--> statement-breakpoint
CREATE TABLE "transfer" (
	"block_number" bigint NOT NULL,
	"log_index" integer NOT NULL,
	"token_id" uuid NOT NULL,
	"from_address" "evm_address" NOT NULL,
	"to_address" "evm_address" NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"block_time" timestamp with time zone NOT NULL,
	"memo" text,
	CONSTRAINT "transfer_pk" PRIMARY KEY("block_number","log_index")
);
--> statement-breakpoint
ALTER TABLE "holder" ADD CONSTRAINT "holder_token_id_fk" FOREIGN KEY ("token_id") REFERENCES "public"."token"("id");--> statement-breakpoint
ALTER TABLE "transfer" ADD CONSTRAINT "transfer_token_id_fk" FOREIGN KEY ("token_id") REFERENCES "public"."token"("id");--> statement-breakpoint
CREATE INDEX "transfer_token_idx" ON "transfer" USING btree ("token_id","block_number" DESC,"log_index" DESC);
