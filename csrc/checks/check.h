// Checks of what comes in through the C interface, with messages that name the op, the argument and the fix. Border.
#pragma once
#include <attnrec/attnrec.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../ops/ops.h"

namespace attnrec {

// A wrong argument. The message is for the caller.
struct Invalid : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

template <class... Parts>
[[noreturn]] void fail(const Parts &...parts) {
  std::ostringstream out;
  (out << ... << parts);
  throw Invalid(out.str());
}

struct ArgumentName {
  const char *op;    // "topk"
  const char *name;  // "queries"
};

std::string shape(int64_t rows, int64_t cols);
std::string shape(const attnrec_operand &x);

// Exactly one form, sane extents. What a sparse one holds is checked where it is made canonical.
void check_operand(ArgumentName who, const attnrec_operand *x, bool index_is_allowed);
void check_same_width(const char *op, const char *a_name, const attnrec_operand &a, const char *b_name,
                      const attnrec_operand &b);
void check_scale(const char *op, float scale);
// A (rows, cols) output that is there, can be addressed, and shares no byte with an input.
struct Output {
  const void *data;
  int64_t rows, cols, item_size;
  const char *name;
};
void check_output(const char *op, const Output &out, const std::vector<const attnrec_operand *> &inputs,
                  const std::vector<const char *> &names);
// No output shares a byte with another or with a flat input; what is null is not there. Allocates nothing.
void check_apart(const char *op, std::initializer_list<Output> outputs, std::initializer_list<Output> inputs = {});

// Largest magnitude of x; throws and names the row when something is not finite. 0 when the check is switched off.
float check_finite(ArgumentName who, const attnrec_operand &x, const Run &run, bool skip);
float check_finite(ArgumentName who, const float *x, int64_t n, bool skip);
void check_precision(const char *op, attnrec_precision precision);
// Scores of magnitude up to d * a * b * |scale| + bias have to fit a float.
void check_magnitude(const char *op, int64_t terms, float a, float b, float scale, float bias = 0);

// A sparse matrix, checked, with sorted rows and no repeated entries (repeated data adds up, in double): itself, or a
// copy.
class Canonical {
 public:
  Canonical(ArgumentName who, const attnrec_csr &x, bool with_data);
  Canonical(const Canonical &) = delete;
  Canonical(Canonical &&) = default;
  const attnrec_csr &csr() const { return csr_; }

 private:
  std::vector<int64_t> indptr_;
  std::vector<int32_t> indices_;
  std::vector<float> data_;
  attnrec_csr csr_;
};

// Checks a (b, n) pattern and makes it canonical; null stays null (an empty vector).
std::vector<Canonical> check_pattern(ArgumentName who, const attnrec_csr *x, int64_t b, int64_t n);
// Checks which entries (rows of left, rows of right) are asked for, in any order.
void check_samples(ArgumentName who, const attnrec_csr &x, const attnrec_operand &left, const attnrec_operand &right);
void check_id_range(ArgumentName who, const int64_t *ids, int64_t count, int64_t n);
// Checked ids, sorted and unique.
std::vector<int32_t> sorted_ids(const int64_t *ids, int64_t count);

}  // namespace attnrec
