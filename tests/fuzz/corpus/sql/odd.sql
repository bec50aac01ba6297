CREATE TABLE "a;b" ([c;d] TEXT DEFAULT ';', `e` TEXT CHECK (e <> '--')); -- ; not the end
/* ; */ CREATE TRIGGER t AFTER INSERT ON "a;b" BEGIN UPDATE "a;b" SET e = CASE WHEN 1 THEN 'x' END; DELETE FROM "a;b"; END;
PRAGMA foreign_keys = ON;;
