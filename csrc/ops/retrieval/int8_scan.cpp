// The walk of the certified 8-bit scan: what the integers can not rule out is scored again in float32. Ops only.
#include "../../core/dispatch.h"
#include "int8.h"

namespace attnrec {
namespace {

constexpr int64_t kPrefetchFloats = 256;          // of an item; the processor guesses the rest
constexpr int64_t kChunkItems = 32 * kInt8Strip;  // 192 KiB at d = 64
constexpr double kBiasSlack = 0x1p-20;            // of a bias, for rounding

}  // namespace

Int8Scan::Int8Scan(const Int8Block &block, const Keys &keys, const Int8Bias &bias, const TopKTask &task)
    : block_(block), keys_(keys), items_(*keys.operand.index->int8), bias_(bias),
      bounds_(bias.bounds.empty() ? items_.bounds.get() : bias.bounds.data()),
      score_slack_(1 + static_cast<double>(keys.d + 16) * 0x1p-23), masker_(task.masks, nullptr, block),
      done_(block.groups().size(), 0), hits_(kInt8Strip + kPanel), strip_(strip_items(keys.d) * kMaxLanes + kSlack) {}

void Int8Scan::restart() {
  masker_.restart();
  std::fill(done_.begin(), done_.end(), char{0});
  n_pending_ = 0;
}

void Int8Scan::begin(Candidates &candidates) {
  const Panels head{items_.head_panels.get(), bias_.head.empty() ? nullptr : bias_.head.data(), items_.head, keys_.d,
                    keys_.scale};
  for (std::size_t g = 0; g < block_.groups().size(); ++g) {
    const Group &group = block_.groups()[g];
    for (int64_t l = 0; l < group.count && keys_.bias == nullptr; ++l) {  // zeros tie everywhere: nothing is ruled out
      if (block_.norms(g)[l] > 0) continue;
      candidates.settle(g, l, 0, keys_.n, [&](int32_t id) { return masker_.active() && masker_.hides_any(g, l, id); });
    }
    each_found(head, group, candidates.thresholds(g), strip_.get(), hits_.get(),
               [&](int64_t position, int64_t lane, float score) {
                 const int32_t id = items_.order[position];
                 if (!masker_.active() || !masker_.hides_any(g, lane, id)) candidates.push(g, lane, score, id);
               });
  }
}

void Int8Scan::unit(int64_t first, int64_t last, Candidates &candidates, const std::vector<Softmax> &) {
  const Int8Kernels &int8 = *level().int8;
  const int64_t panel_bytes = items_.depth * kPanel * 4;
  for (int64_t c = std::max(first, items_.head); c < last; c += kChunkItems) {
    check_cancelled();
    const int64_t end = std::min(last, c + kChunkItems);
    for (std::size_t g = 0; g < done_.size(); ++g) {
      const Group &group = block_.groups()[g];
      const float *threshold = candidates.thresholds(g);
      for (int64_t s = c; s < end && done_[g] == 0; s += kInt8Strip) {
        if (!reachable(g, s / kInt8Strip, threshold)) {
          done_[g] = 1;
          break;
        }
        const int64_t count = std::min(kInt8Strip, end - s);
        const int64_t p = s / kPanel;
        const int64_t found =
            int8.scan(items_.panels.get() + p * panel_bytes, bounds_ + p, ceil_div(count, kPanel), block_.queries(g),
                      &block_.bound(g), items_.depth, group.lanes, threshold, hits_.get());
        for (int64_t h = 0; h < found && hits_[h].row < count; ++h) {
          const int32_t id = items_.order[s + hits_[h].row];
          for (uint32_t left = hits_[h].lanes; left != 0; left &= left - 1) {
            suspect(g, __builtin_ctz(left), id, candidates);
          }
        }
      }
      rescore(candidates);
    }
  }
}

// Whether an item of this strip or further on can pass a threshold: |w| |v| + bias, with room for rounding.
bool Int8Scan::reachable(std::size_t g, int64_t strip, const float *threshold) const {
  const double norm = static_cast<double>(items_.head_norms[static_cast<std::size_t>(strip)]) * score_slack_;
  double bias = bias_.from.empty() ? 0 : static_cast<double>(bias_.from[static_cast<std::size_t>(strip)]);
  bias += std::fabs(bias) * kBiasSlack + 1e-30;
  const double *norms = block_.norms(g);
  bool any = false;
  for (int64_t l = 0; l < block_.groups()[g].count; ++l) {
    any |= !(norms[l] * norm + bias <= static_cast<double>(threshold[l]));
  }
  return any;
}

// To be scored again, together with others: meanwhile what is needed of the item comes into the cache.
void Int8Scan::suspect(std::size_t g, int64_t lane, int32_t id, Candidates &candidates) {
  if (masker_.active() && masker_.hides_any(g, lane, id)) return;
  const attnrec_index &index = *keys_.operand.index;
  const float *item = item_of(index, id);
  for (int64_t k = 0; k < std::min(keys_.d * stride_of(index), kPrefetchFloats); k += 16) __builtin_prefetch(item + k);
  pending_[n_pending_++] = {g, lane, id};
  if (n_pending_ == kPendingAtMost) rescore(candidates);
}

// The exact scores of what is pending, all of it of one group.
void Int8Scan::rescore(Candidates &candidates) {
  const attnrec_index &index = *keys_.operand.index;
  for (int64_t first = 0; first < n_pending_; first += kScoreAtOnce) {
    const Group &group = block_.groups()[pending_[first].group];
    const float *items[kScoreAtOnce];
    const float *queries[kScoreAtOnce];
    float chains[kScoreAtOnce];
    for (int64_t i = 0; i < kScoreAtOnce; ++i) {
      const Pending &at = pending_[std::min(first + i, n_pending_ - 1)];
      items[i] = item_of(index, at.id);
      queries[i] = group.queries + at.lane;
    }
    kernels().score_some(items, stride_of(index), queries, group.lanes, keys_.d, chains);
    for (int64_t i = 0; i < std::min(kScoreAtOnce, n_pending_ - first); ++i) {
      const Pending &at = pending_[first + i];
      const float chain = chains[i];
      const float score = keys_.bias == nullptr ? chain * keys_.scale : std::fma(chain, keys_.scale, keys_.bias[at.id]);
      if (score > candidates.thresholds(at.group)[at.lane]) candidates.push(at.group, at.lane, score, at.id);
    }
  }
  n_pending_ = 0;
}

}  // namespace attnrec
