"""One kind of modality a file: text, categories and labels, numbers, dates, ready vectors, sentence encoders."""
