// The sample of items, and the rank in it whose score is the estimated threshold. Ops only.
#include "threshold_estimate.h"

#include <cmath>

#include "../../core/dispatch.h"

namespace attnrec {
namespace {

constexpr int64_t kSample = 2048, kLeastSample = 256;
constexpr int64_t kSampleFloats = 1 << 18;  // 1 MiB
constexpr int64_t kShare = 16;              // of all items at most one in so many
constexpr int64_t kWorthQueries = 64;       // that share the packing

// One place in each of `count` equal parts of n, not always the same: catalogues repeat themselves.
int64_t place(int64_t i, int64_t count, int64_t n) {
  const int64_t first = i * n / count;
  const int64_t size = (i + 1) * n / count - first;
  return first + static_cast<int64_t>(mixed(i) % static_cast<uint64_t>(size));
}

}  // namespace

ThresholdEstimate::ThresholdEstimate(const Keys &keys, const TopKTask &task, int64_t b, int64_t k)
    : keys_(keys), task_(task) {
  const int64_t count = std::min(kSample, kSampleFloats / std::max<int64_t>(1, keys.d));
  if (keys.operand.csr != nullptr || k <= kSortedK || b < kWorthQueries) return;
  if (count < kLeastSample || keys.n / kShare < count) return;
  // rank = E + 5 sqrt(E) + 4, E = k s / n: the number of the best k in a sample of s has mean E, variance at most E
  const double expected = static_cast<double>(k) * static_cast<double>(count) / static_cast<double>(keys.n);
  const auto rank = static_cast<int64_t>(expected + 5 * std::sqrt(expected) + 4);  // fails once in a million
  if (2 * expected > static_cast<double>(rank)) return;                            // too near to k to gain much
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = place(i, count, keys.n);
    ids_.push_back(keys.subset == nullptr ? static_cast<int32_t>(at) : keys.subset[at]);
    if (keys.bias != nullptr) bias_.push_back(keys.bias[at]);
  }
  if (keys.bias != nullptr) bias_.resize(static_cast<std::size_t>(round_up(count, kPanel) + kSlack));
  panels_ = Buffer<float>(round_up(count, kPanel) * keys.d + kSlack);
  pack_panels(keys.operand, ids_.data(), 0, count, panels_.get());
  rank_ = rank;
}

void ThresholdEstimate::raise(const Block &block, Candidates &candidates) const {
  if (rank_ == 0) return;
  Candidates sample(block, rank_, false, false);
  const Masker masker(task_.masks, nullptr, block);
  Buffer<float> strip(strip_items(keys_.d) * kMaxLanes + kSlack);
  Buffer<Hit> hits(strip_items(keys_.d) + kPanel);
  const Panels panels{panels_.get(), bias_.empty() ? nullptr : bias_.data(), static_cast<int64_t>(ids_.size()), keys_.d,
                      keys_.scale};
  for (std::size_t g = 0; g < block.groups().size(); ++g) {
    each_found(panels, block.groups()[g], sample.thresholds(g), strip.get(), hits.get(),
               [&](int64_t position, int64_t lane, float score) {
                 const int32_t id = ids_[static_cast<std::size_t>(position)];
                 if (!masker.active() || !masker.hides_any(g, lane, id)) sample.push(g, lane, score, id);
               });
  }
  candidates.raise_thresholds(sample);
}

}  // namespace attnrec
