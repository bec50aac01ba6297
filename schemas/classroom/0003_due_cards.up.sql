-- What the app asks most: which cards are due for a user.

CREATE INDEX flashcard_progress_due ON flashcard_progress (user_id, due_at);

CREATE VIEW due_cards AS
SELECT p.user_id, p.due_at, c.front, c.back, v.language_name
FROM flashcard_progress AS p
JOIN flashcards AS c ON c.id = p.flashcard_id
JOIN vocabulary AS v ON v.id = c.vocabulary_id
WHERE NOT c.suspended;
