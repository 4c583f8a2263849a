// Fuzzed calls of the entries for training, and of the settings. Fuzzing: knows attnrec.h alone.
#include <cmath>

#include "call.h"
#include "entries.h"

namespace attnrec_fuzz {
namespace {

const attnrec_api &api() { return *attnrec_get_api(); }

}  // namespace

void softmax_cross_entropy(const char *name, Bytes &bytes) {
  static const float kScales[] = {1, 0.125F, 0, -1, 30, 1e-30F, 1e30F, 3.4e38F, NAN, INFINITY};
  static const float kWeights[] = {1, 0, 0.5F, 7, 1e30F, -1, NAN, INFINITY};
  static const float kEps[] = {0, 1e-6F, 0.1F, 0.999F, 1, -1, NAN, 1e-45F};
  static const std::size_t kSizes[] = {0, 8, 12, 16, 20, 24, 32, SIZE_MAX - 7, SIZE_MAX};
  Call call(name, bytes);
  const int64_t b = extent(bytes), n = extent(bytes), d = extent(bytes);
  const Dense queries(bytes, b, d), items(bytes, n, about(bytes, d));
  const Sparse targets(bytes, about(bytes, b), about(bytes, n), false);
  bool finite = queries.finite && items.finite && targets.finite;
  const auto bias = bytes.one_in(2) ? vector_of(bytes, n, &finite) : nullptr;
  auto sample_weight = bytes.one_in(2) ? vector_of(bytes, b, &finite) : nullptr;
  for (int64_t i = 0; sample_weight != nullptr && i < b && !bytes.one_in(16); ++i) {
    sample_weight[i] = std::fabs(sample_weight[i]);
  }
  attnrec_cross_entropy_options o{};
  o.size = bytes.one_in(32) ? bytes.one_of(kSizes) : sizeof(o);
  o.scale = bytes.one_of(kScales);
  o.item_bias = bias.get();
  o.sample_weight = sample_weight.get();
  o.normalize = static_cast<attnrec_normalize>(bytes.one_in(32) ? 2 : bytes.below(2));
  o.lse_weight = bytes.one_of(kWeights);
  o.eps = bytes.one_of(kEps);
  attnrec_cross_entropy_result r{};
  r.loss = bytes.one_in(64) ? nullptr : call.out<double>(1, 1);
  const bool grad = bytes.one_in(2);
  if (grad) r.d_queries = call.out<float>(b, d);
  if (grad && !bytes.one_in(32)) r.d_items = call.out<float>(n, items.view.cols);
  if (grad && (bias != nullptr) != bytes.one_in(32)) r.d_item_bias = call.out<float>(n, 1);
  const attnrec_cross_entropy_options *asked = bytes.one_in(64) ? nullptr : &o;
  const bool cut = o.size < sizeof(o);  // what is not finite may go unread
  const auto status = call.run(finite || cut, [&](const attnrec_run *run) {
    return api().softmax_cross_entropy(&queries.view, &items.view, &targets.view, asked, &r, run);
  });
  if (status != ATTNREC_OK || !call.checked()) return;
  call.require(!std::isnan(*r.loss), "the loss of numbers is NaN");
  if (!grad) return;
  call.require_numbers(r.d_queries, b * d, "a gradient by the queries is NaN");
  call.require_numbers(r.d_items, n * d, "a gradient by the items is NaN");
  if (r.d_item_bias != nullptr) call.require_numbers(r.d_item_bias, n, "a gradient by the bias is NaN");
}

void adam_step(const char *name, Bytes &bytes) {
  static const double kRates[] = {0.001, 0, 1, 1e6, -1, NAN, INFINITY, 1e-300};
  static const double kBetas[] = {0.9, 0, 0.999, 0.999999999999, 1, -0.5, NAN, 1e-300};
  static const int64_t kSteps[] = {1, 2, 1000, INT64_MAX, 0, -1, INT64_MIN, 1};
  static const std::size_t kSizes[] = {0, 8, 16, 24, 32, 40, 48, SIZE_MAX - 7, SIZE_MAX};
  Call call(name, bytes);
  const int64_t n = extent(bytes);
  bool finite = true;
  const auto p = vector_of(bytes, n, &finite), g = vector_of(bytes, n, &finite), m = vector_of(bytes, n, &finite);
  auto v = vector_of(bytes, n, &finite);
  for (int64_t i = 0; v != nullptr && i < n; ++i) v[i] = std::fabs(v[i]);  // a second moment
  if (n > 1000) return;
  attnrec_adam_options o{};
  o.size = bytes.one_in(32) ? bytes.one_of(kSizes) : sizeof(o);
  o.step = bytes.one_of(kSteps);
  o.learning_rate = bytes.one_of(kRates);
  o.beta1 = bytes.one_of(kBetas);
  o.beta2 = bytes.one_of(kBetas);
  o.eps = bytes.one_of(kRates);
  o.weight_decay = bytes.one_of(kRates);
  float *parameters = call.in_place(p.get(), n);
  float *first = call.in_place(m.get(), n);
  float *second = call.in_place(v.get(), n);
  const attnrec_adam_options *asked = bytes.one_in(64) ? nullptr : &o;
  bool checked = true;  // of parameters and moments it has to take what it gets
  for (int64_t i = 0; g != nullptr && i < n; ++i) checked = checked && std::isfinite(g[i]);
  (void)call.run(finite || checked, [&](const attnrec_run *run) {
    return api().adam_step(parameters, g.get(), first, second, n, asked, run);
  });
}

void settings(const char *name, Bytes &bytes) {
  static const int64_t kBudgets[] = {0, 1, 1 << 20, INT64_MAX, -1, INT64_MIN};
  static const int kThreads[] = {0, 1, 3, -1, INT32_MIN};
  static const double kSeconds[] = {0, -1, NAN, INFINITY, 61, 1e-9};
  const int threads = bytes.one_of(kThreads);
  const int64_t budget = bytes.one_of(kBudgets);
  require((api().set_num_threads(threads) == ATTNREC_OK) == (threads >= 0), name, "a wrong number of threads");
  require((api().set_memory_budget(budget) == ATTNREC_OK) == (budget >= 0), name, "a wrong budget");
  require(threads <= 0 || api().num_threads() == threads, name, "another number of threads");
  require(budget <= 0 || api().memory_budget() == budget, name, "another budget");
  const bool told =
      api().version() != nullptr && api().isa() != nullptr && api().isas() != nullptr && api().processors() > 0;
  require(told && api().threading() != nullptr && api().last_error() != nullptr, name, "says nothing");
  const double seconds = bytes.one_of(kSeconds);
  attnrec_run run{};
  run.size = sizeof(run);
  run.num_threads = 1;
  double flops = -1;
  double *out = bytes.one_in(8) ? nullptr : &flops;
  const bool good = seconds > 0 && seconds <= 60 && out != nullptr;
  if (good && !bytes.one_in(64)) return;  // it takes its time
  require((api().fma_ceiling(seconds, out, &run) == ATTNREC_OK) == good, name, "a wrong time");
  require(!good || flops > 0, name, "no speed");
  require(api().set_num_threads(0) == ATTNREC_OK && api().set_memory_budget(0) == ATTNREC_OK, name, "no default");
}

}  // namespace attnrec_fuzz
