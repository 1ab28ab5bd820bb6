ALTER TABLE "token" ADD COLUMN "issuer" "evm_address" NOT NULL;
