ALTER TABLE "token" RENAME COLUMN "symbol" TO "ticker";
