ALTER TABLE "token" ALTER COLUMN "name" SET DATA TYPE varchar(32);--> statement-breakpoint
ALTER TABLE "holder" ADD CONSTRAINT "holder_balance_positive" CHECK ("balance" >= 0);
