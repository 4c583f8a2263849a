// Every operation on one screen. Ops: block the work, split it over threads, call kernels. May include ops/, core/,
// kernels/table.h and attnrec.h. Arguments have been checked (api/table.cpp); only bad_alloc, Cancelled, ScoreNotFinite
// and ScoreTooLarge are thrown.
#pragma once
#include <attnrec/attnrec.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "../core/parallel.h"
#include "../core/scratch.h"

namespace attnrec {
struct Int8Items;
}

// Items in panels [ceil(n / 12)][d][12], padded with zeros; or, prepared for 8 bits alone, in rows.
struct attnrec_index {
  int64_t n = 0;
  int64_t d = 0;
  float max_abs = 0;
  attnrec::Buffer<float> data;
  bool in_panels = true;
  std::shared_ptr<const attnrec::Int8Items> int8;  // or null
  attnrec_precision precision = ATTNREC_PRECISION_AUTO;
  attnrec::Buffer<int64_t> ids, by_id;  // names, and positions in the order of names; of an index from a file, or null
  std::shared_ptr<const void> keep;     // the file that all of these lie in, or null
};

namespace attnrec {

struct Run {
  Threads threads;
  int64_t memory_budget = kDefaultMemoryBudget;
};

struct ScoreNotFinite : std::exception {};
// Of a softmax: beyond 2^29 a rounding of the exponent is more than all that float32 can hold.
struct ScoreTooLarge : std::exception {
  const char *what() const noexcept override {
    return "softmax: the largest score of a row is beyond 2^29 (5.4e8), where float32 tells no weights apart: lower "
           "scale";
  }
};

struct Masks {                                   // all sorted, unique
  const attnrec_csr *exclude = nullptr;          // (b, n): hidden from a query
  const std::vector<int32_t> *filter = nullptr;  // hidden from all
};

struct TopKTask {
  int64_t k = 0;
  float scale = 1;
  bool weights = false;
  attnrec_precision precision = ATTNREC_PRECISION_AUTO;
  bool hidden_in_denominator = true;            // normalize="all"
  bool check_scores = false;                    // of one query: ScoreNotFinite if any is not
  const float *bias = nullptr;                  // (n,)
  const attnrec_csr *include = nullptr;         // sorted, unique
  const std::vector<int32_t> *items = nullptr;  // sorted, unique: the only ones scored
  Masks masks;
};

struct CrossEntropyTask {
  float scale = 1;
  float lse_weight = 1;
  float eps = 0;
  attnrec_normalize normalize = ATTNREC_NORMALIZE_ALL;
  const float *bias = nullptr;           // (n,)
  const float *sample_weight = nullptr;  // (b,)
  const attnrec_csr *targets = nullptr;  // sorted, unique
};

void similarity(const attnrec_operand &queries, const attnrec_operand &keys, float scale, float *out, const Run &run);
void attention_matrix(const attnrec_operand &queries, const attnrec_operand &keys, float scale, const Masks &masks,
                      float *out, const Run &run);
void predict_ratings(const attnrec_matrix &attention, const attnrec_operand &ratings, float *out, const Run &run);
void attend(const attnrec_operand &queries, const attnrec_operand &keys, const attnrec_operand &values, float scale,
            const Masks &masks, float *out, float *lse, const Run &run);
void attend_candidate_lists(const attnrec_operand &queries, const attnrec_operand &keys, const attnrec_operand &values,
                            float scale, const attnrec_csr &include, const Masks &masks, float *out, float *lse,
                            const Run &run);
void topk(const attnrec_operand &queries, const attnrec_operand &items, const TopKTask &task,
          const attnrec_topk_result &result, const Run &run);
void topk_candidate_lists(const attnrec_operand &queries, const attnrec_operand &items, const TopKTask &task,
                          const attnrec_topk_result &result, const Run &run);
void score_pairs(const attnrec_operand &queries, const attnrec_operand &items, const int64_t *query_ids,
                 const int64_t *item_ids, int64_t n_pairs, float *out, const Run &run);
// out[p] = left[i] . right[j] for the p-th stored entry (i, j) of pattern
void sampled_product(const attnrec_matrix &left, const attnrec_matrix &right, const attnrec_csr &pattern, float *out,
                     const Run &run);
// Rows contiguous: col_stride is 1
void softmax_cross_entropy(const attnrec_matrix &queries, const attnrec_matrix &items, const CrossEntropyTask &task,
                           const attnrec_cross_entropy_result &result, const Run &run);
void adam_step(float *parameters, const float *gradient, float *first, float *second, int64_t n,
               const attnrec_adam_options &options, const Run &run);
// FLOP per second of multiply-adds on all threads, measured over about `seconds`.
double fma_ceiling(double seconds, const Run &run);
float dot_product(const float *u, const float *v, int64_t d);

attnrec_index *index_create(const attnrec_matrix &items, attnrec_precision precision, float max_abs, const Run &run);
void index_rows(const attnrec_index &index, int64_t first, int64_t count, float *out);

// The rows divided by their Euclidean norms; zero rows stay zero.
class Normalized {
 public:
  Normalized(const attnrec_operand &operand, const Run &run);
  const attnrec_operand &operand() const { return operand_; }

 private:
  Buffer<float> data_;
  attnrec_matrix dense_{};
  attnrec_csr csr_{};
  attnrec_operand operand_{};
};

// Plain items that 8-bit kernels were asked for, as an index; anything else as it is.
class Int8Ready {
 public:
  Int8Ready(const attnrec_operand &items, const TopKTask &task, const Run &run);
  const attnrec_operand &items() const { return items_; }

 private:
  std::unique_ptr<attnrec_index> index_;
  attnrec_operand items_;
};

// Largest absolute value; not finite when an element is not.
float max_abs(const attnrec_operand &operand, const Run &run);
int64_t first_row_not_finite(const attnrec_operand &operand);

}  // namespace attnrec
