// Steps of optimisers, element by element. Ops only.
#include <algorithm>
#include <cmath>

#include "../walk/operand.h"
#include "../walk/sweep.h"

namespace attnrec {

void adam_step(float *parameters, const float *gradient, float *first, float *second, int64_t n,
               const attnrec_adam_options &o, const Run &run) {
  constexpr int64_t kPerTask = 1 << 16;
  const auto step = static_cast<double>(o.step);
  const auto beta1 = static_cast<float>(o.beta1);
  const auto beta2 = static_cast<float>(o.beta2);
  const auto rest1 = static_cast<float>(1 - o.beta1);
  const auto rest2 = static_cast<float>(1 - o.beta2);
  const auto rate = static_cast<float>(o.learning_rate / (1 - std::pow(o.beta1, step)));
  const auto by = static_cast<float>(1 / std::sqrt(1 - std::pow(o.beta2, step)));
  const auto eps = static_cast<float>(o.eps);
  const auto keep = static_cast<float>(1 - o.learning_rate * o.weight_decay);
  Threads threads = run.threads;
  threads.count = plan_blocks(run, n, kPerTask, 1, 1, 4.0 * static_cast<double>(n)).threads;
  parallel_for(ceil_div(n, kPerTask), threads, [&](int64_t task) {
    const int64_t last = std::min(n, (task + 1) * kPerTask);
    for (int64_t i = task * kPerTask; i < last; ++i) {
      const float g = gradient[i];
      const float m = beta1 * first[i] + rest1 * g;
      const float v = beta2 * second[i] + rest2 * g * g;
      first[i] = m;
      second[i] = v;
      parameters[i] = keep * parameters[i] - rate * m / (std::sqrt(v) * by + eps);
    }
  });
}

}  // namespace attnrec
