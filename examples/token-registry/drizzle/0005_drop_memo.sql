ALTER TABLE "transfer" DROP COLUMN "memo";
