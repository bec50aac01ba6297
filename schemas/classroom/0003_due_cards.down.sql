DROP VIEW due_cards;
DROP INDEX flashcard_progress_due;
