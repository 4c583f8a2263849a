// Every entry of the C interface that the bytes may lead to, in files by kind. Fuzzing.
#pragma once
#include "bytes.h"

namespace attnrec_fuzz {

struct Entry {
  const char *name;
  void (*call)(const char *name, Bytes &bytes);
};

void dot_product(const char *name, Bytes &bytes);
void similarity(const char *name, Bytes &bytes);
void attention_matrix(const char *name, Bytes &bytes);
void predict_ratings(const char *name, Bytes &bytes);
void attend(const char *name, Bytes &bytes);
void score_pairs(const char *name, Bytes &bytes);
void sampled_product(const char *name, Bytes &bytes);

void topk(const char *name, Bytes &bytes);
void index(const char *name, Bytes &bytes);
void searcher(const char *name, Bytes &bytes);
void index_file(const char *name, Bytes &bytes);

void softmax_cross_entropy(const char *name, Bytes &bytes);
void adam_step(const char *name, Bytes &bytes);
void settings(const char *name, Bytes &bytes);

}  // namespace attnrec_fuzz
