"""One kind of modality in each file: text, labels, numbers, dates, vectors, and sentence encoders."""
