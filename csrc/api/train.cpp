// The training part of the C interface: a loss with gradients, and steps down them. Border: no kernels, no Python.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "../checks/prepared.h"
#include "guarded.h"

namespace attnrec {
namespace {

void check_at_least_zero(ArgumentName who, const float *x, int64_t n) {
  for (int64_t i = 0; x != nullptr && i < n; ++i) {
    if (!(x[i] >= 0)) fail(who.op, ": ", who.name, " is ", x[i], " at ", i, "; weights are 0 or more");
  }
}

void check_setting(ArgumentName who, double x, double low, double high, const char *wanted) {
  if (!(x >= low && x < high)) fail(who.op, ": ", who.name, " is ", x, "; give ", wanted);
}

Canonical checked_targets(const char *op, const attnrec_csr *targets, int64_t b, int64_t n) {
  if (targets == nullptr) fail(op, ": targets is missing");
  const attnrec_operand x{nullptr, targets, nullptr};
  check_operand({op, "targets"}, &x, false);
  if (targets->rows != b || targets->cols != n) {
    fail(op, ": targets ", shape(targets->rows, targets->cols),
         " does not fit; it needs a row a query and a column an item, ", shape(b, n));
  }
  Canonical y({op, "targets"}, *targets, true);
  const int64_t nnz = y.csr().indptr[b];
  check_finite({op, "targets"}, y.csr().data, nnz, false);
  check_at_least_zero({op, "targets"}, y.csr().data, nnz);
  return y;
}

}  // namespace

attnrec_status api_softmax_cross_entropy(const attnrec_matrix *queries, const attnrec_matrix *items,
                                         const attnrec_csr *targets, const attnrec_cross_entropy_options *options,
                                         const attnrec_cross_entropy_result *result, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "softmax_cross_entropy";
    const CanonicalOperand canonical_queries(&queries), canonical_items(&items);
    const Settings s = settings_of(op, run);
    if (options == nullptr || result == nullptr || result->loss == nullptr) fail(op, ": options or result is missing");
    const auto o = given({op, "options"}, options);
    const attnrec_operand q{queries, nullptr, nullptr};
    const attnrec_operand v{items, nullptr, nullptr};
    check_operand({op, "items"}, &v, false);
    const int64_t n = items->rows;
    const float top_bias = check_finite({op, "item_bias"}, o.item_bias, n, s.skip_finite);
    check_product(op, "queries", &q, "items", &v, o.scale, s, top_bias);
    const int64_t b = queries->rows;
    check_finite({op, "sample_weight"}, o.sample_weight, b, false);
    check_at_least_zero({op, "sample_weight"}, o.sample_weight, b);
    const Canonical canonical = checked_targets(op, targets, b, n);
    if (o.normalize != ATTNREC_NORMALIZE_ALL && o.normalize != ATTNREC_NORMALIZE_UNSEEN) {
      fail(op, ": normalize ", static_cast<int>(o.normalize), " is neither all nor unseen");
    }
    check_setting({op, "lse_weight"}, static_cast<double>(o.lse_weight), 0, HUGE_VAL, "a finite number, 0 or more");
    check_setting({op, "eps"}, static_cast<double>(o.eps), 0, 1, "a probability, 0 or more and below 1");
    const bool grad = result->d_queries != nullptr;
    if (grad != (result->d_items != nullptr) || (grad && o.item_bias != nullptr) != (result->d_item_bias != nullptr)) {
      fail(op, ": give room for all gradients, or for none; d_item_bias goes with item_bias");
    }
    // one side's gradient is sums of the other side
    const float by = grad ? (1 + o.lse_weight) * std::max(1.0F, std::fabs(o.scale)) : 1;
    check_values({op, "items"}, v, s, by);
    if (grad) check_values({op, "queries"}, q, s, by);
    if (grad) {
      const std::vector<const attnrec_operand *> inputs{&q, &v};
      const std::vector<const char *> names{"queries", "items"};
      check_output(op, {result->d_queries, b, queries->cols, 4, "d_queries"}, inputs, names);
      check_output(op, {result->d_items, n, items->cols, 4, "d_items"}, inputs, names);
      if (o.item_bias != nullptr) check_output(op, {result->d_item_bias, n, 1, 4, "d_item_bias"}, inputs, names);
      check_apart(op,
                  {{result->d_queries, b, queries->cols, 4, "d_queries"},
                   {result->d_items, n, items->cols, 4, "d_items"},
                   {result->d_item_bias, n, 1, 4, "d_item_bias"}},
                  {{o.item_bias, n, 1, 4, "item_bias"},
                   {o.sample_weight, b, 1, 4, "sample_weight"},
                   {targets->data, targets->indptr[b], 1, 4, "targets"}});
    }
    CrossEntropyTask task;
    task.scale = o.scale;
    task.lse_weight = o.lse_weight;
    task.eps = o.eps;
    task.normalize = o.normalize;
    task.bias = o.item_bias;
    task.sample_weight = o.sample_weight;
    task.targets = &canonical.csr();
    const Contiguous q_rows(q);
    const Contiguous v_rows(v);
    softmax_cross_entropy(*q_rows.operand().dense, *v_rows.operand().dense, task, *result, s.run);
  });
}

attnrec_status api_adam_step(float *parameters, const float *gradient, float *first, float *second, int64_t n,
                             const attnrec_adam_options *options, const attnrec_run *run) {
  return guarded([&] {
    const char *op = "adam_step";
    const Settings s = settings_of(op, run);
    if (options == nullptr || n < 0) fail(op, ": options are missing, or there are ", n, " parameters");
    if (n > 0 && (parameters == nullptr || gradient == nullptr || first == nullptr || second == nullptr)) {
      fail(op, ": parameters, gradient, first or second is missing");
    }
    check_apart(op, {{parameters, n, 1, 4, "parameters"}, {first, n, 1, 4, "first"}, {second, n, 1, 4, "second"}},
                {{gradient, n, 1, 4, "gradient"}});
    const auto o = given({op, "options"}, options);
    if (o.step < 1) fail(op, ": step is ", o.step, "; steps count from 1");
    check_setting({op, "learning_rate"}, o.learning_rate, 0, HUGE_VAL, "a finite number, 0 or more");
    check_setting({op, "beta1"}, o.beta1, 0, 1, "0 or more and below 1");
    check_setting({op, "beta2"}, o.beta2, 0, 1, "0 or more and below 1");
    check_setting({op, "eps"}, o.eps, 0, HUGE_VAL, "a finite number, 0 or more");
    check_setting({op, "weight_decay"}, o.weight_decay, 0, HUGE_VAL, "a finite number, 0 or more");
    check_finite({op, "gradient"}, gradient, n, s.skip_finite);
    adam_step(parameters, gradient, first, second, n, o, s.run);
  });
}

}  // namespace attnrec
