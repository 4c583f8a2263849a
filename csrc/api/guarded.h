// What every function of the C interface shares: exceptions become statuses, settings are read, pairs of matrices
// checked. Border: included by api*.cpp only.
#pragma once
#include <attnrec/attnrec.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "../checks/check.h"
#include "../core/environment.h"

namespace attnrec {

std::string &last_error();  // of the calling thread

template <class Body>
attnrec_status guarded(const Body &body) noexcept {
  try {
    try {
      body();
      return ATTNREC_OK;
    } catch (const Invalid &e) {
      last_error() = e.what();
      return ATTNREC_INVALID;
    } catch (const BadSetting &e) {
      last_error() = e.what();
      return ATTNREC_INVALID;
    } catch (const ScoreTooLarge &e) {
      last_error() = e.what();
      return ATTNREC_INVALID;
    } catch (const std::bad_alloc &) {
      last_error() = "not enough memory";
      return ATTNREC_NO_MEMORY;
    } catch (const std::length_error &) {
      last_error() = "not enough memory";
      return ATTNREC_NO_MEMORY;
    } catch (const Cancelled &) {
      last_error() = "cancelled";
      return ATTNREC_CANCELLED;
    } catch (const std::exception &e) {
      last_error() = e.what();
      return ATTNREC_FAILED;
    }
  } catch (...) {  // even the message could not be stored
    return ATTNREC_NO_MEMORY;
  }
}

// A struct that begins with its size, as far as the caller knows it; the rest is 0. Pointers are never cut in two.
template <class Struct>
Struct given(ArgumentName who, const Struct *x) {
  if (x->size % sizeof(void *) != 0) {
    fail(who.op, ": ", who.name, " says that its size is ", x->size, "; set it to sizeof(*", who.name, ")");
  }
  Struct out{};
  std::memcpy(&out, x, std::min(x->size, sizeof(out)));
  return out;
}

struct Settings {
  Run run;
  bool skip_finite = false;
};

Settings settings_of(const char *op, const attnrec_run *run);

// Checks two feature matrices that are multiplied; `b_later`: whether the second is finite is left to the op.
void check_product(const char *op, const char *a_name, const attnrec_operand *a, const char *b_name,
                   const attnrec_operand *b, float scale, const Settings &s, float bias = 0, bool b_later = false);
// Values under weights that sum to one, or were multiplied by 2^kLazy at most on the way; the sums are multiplied by
// `by` at most.
void check_values(ArgumentName who, const attnrec_operand &values, const Settings &s, float by = 1);

// Functions that stand in files of their own.
attnrec_status api_softmax_cross_entropy(const attnrec_matrix *queries, const attnrec_matrix *items,
                                         const attnrec_csr *targets, const attnrec_cross_entropy_options *options,
                                         const attnrec_cross_entropy_result *result, const attnrec_run *run);
attnrec_status api_adam_step(float *parameters, const float *gradient, float *first, float *second, int64_t n,
                             const attnrec_adam_options *options, const attnrec_run *run);
attnrec_status api_model_open(const char *path, attnrec_model **model, const attnrec_run *run);
void api_model_free(attnrec_model *model);
attnrec_status api_model_info(const attnrec_model *model, attnrec_model_info *info);
attnrec_status api_model_recommend(const attnrec_model *model, const attnrec_csr *histories,
                                   const attnrec_recommend_options *options, const attnrec_recommend_result *result,
                                   const attnrec_run *run);
attnrec_status api_model_id(const attnrec_model *model, attnrec_side side, int64_t row, attnrec_id *id);
attnrec_status api_model_row(const attnrec_model *model, attnrec_side side, const attnrec_id *id, int64_t *row);
attnrec_status api_model_item_title(const attnrec_model *model, int64_t row, const char **text, int64_t *length);
attnrec_status api_searcher_create(const attnrec_index *index, const attnrec_topk_options *options,
                                   attnrec_searcher **searcher, const attnrec_run *run);
void api_searcher_free(attnrec_searcher *searcher);
attnrec_status api_searcher_search(attnrec_searcher *searcher, const float *query, const int64_t *exclude,
                                   int64_t n_exclude, int64_t *ids, float *scores, int64_t *count);
attnrec_status api_index_save(const attnrec_index *index, const int64_t *ids, const char *path);
attnrec_status api_index_open(const char *path, int map, attnrec_index **index);
attnrec_status api_index_get_info(const attnrec_index *index, attnrec_index_info *info);

}  // namespace attnrec
