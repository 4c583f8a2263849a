// The multiply-add rate of this processor on these threads. Ops only.
#include <chrono>
#include <vector>

#include "../core/dispatch.h"
#include "ops.h"

namespace attnrec {

double fma_ceiling(double seconds, const Run &run) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kRounds = 20000;
  const int count = run.threads.count;
  std::vector<double> rates(static_cast<std::size_t>(count));
  // Each thread counts what it did in the same span of time; the task queue gives every thread one task.
  parallel_for(count, run.threads, [&](int64_t i) {
    float sink[2 * kMaxLanes] = {};
    double flop = 0;
    const auto start = Clock::now();
    std::chrono::duration<double> spent{};
    do {
      flop += kernels().fma_chains(kRounds, sink);
      spent = Clock::now() - start;
    } while (spent.count() < seconds);
    rates[static_cast<std::size_t>(i)] = flop / spent.count();
  });
  double total = 0;
  for (const double rate : rates) total += rate;
  return total;
}

}  // namespace attnrec
