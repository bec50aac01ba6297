DROP TABLE flashcard_reviews;
DROP TABLE flashcard_progress;
DROP TABLE flashcards;
DROP TABLE vocabulary_translations;
DROP TABLE vocabulary;
