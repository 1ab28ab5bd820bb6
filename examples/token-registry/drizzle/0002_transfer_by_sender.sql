CREATE INDEX "transfer_from_idx" ON "transfer" USING btree ("from_address","block_number");
