// What a block of queries has found so far: the best k of each, and the softmax of what was scored. Ops only.
#pragma once
#include <cmath>
#include <vector>

#include "../../core/dispatch.h"
#include "../walk/softmax_state.h"
#include "topk_buffer.h"

namespace attnrec {

// Calls f(row, lane, score) for scores of a strip above their lane's threshold among hits of so many rows each. Rows
// past `count` are padding.
template <class F>
void each_above(const float *strip, int64_t count, int64_t lanes, const Hit *hits, int64_t found, int64_t rows,
                const float *threshold, F f) {
  for (int64_t h = 0; h < found; ++h) {
    const int64_t first = hits[h].row;
    const int64_t here = std::min(rows, count - first);
    for (uint32_t left = hits[h].lanes; left != 0; left &= left - 1) {
      const int64_t lane = __builtin_ctz(left);
      const float *scores = strip + first * lanes + lane;
      uint32_t above = 0;
      for (int64_t r = 0; r < here; ++r) above |= static_cast<uint32_t>(scores[r * lanes] > threshold[lane]) << r;
      for (; above != 0; above &= above - 1) {
        const int64_t r = __builtin_ctz(above);
        if (scores[r * lanes] > threshold[lane]) f(first + r, lane, scores[r * lanes]);
      }
    }
  }
}

// Packed items that are scored whole, outside the walk over all of them.
struct Panels {
  const float *panels;
  const float *bias;  // null: none
  int64_t n, d;
  float scale;
};

// Calls f(position, lane, score) for those above their lane's threshold, which f may raise. `strip` and `hits` have
// room for a strip.
template <class F>
void each_found(const Panels &items, const Group &group, const float *threshold, float *strip, Hit *hits, F f) {
  const int64_t step = strip_items(items.d);
  const Prefetch nothing{nullptr, 0};
  for (int64_t s = 0; s < items.n; s += step) {
    const int64_t count = std::min(step, items.n - s);
    const int64_t found = kernels().scan(items.panels + s * items.d, ceil_div(count, kPanel), group.queries, items.d,
                                         group.lanes, items.scale, items.bias == nullptr ? nullptr : items.bias + s,
                                         threshold, &nothing, strip, nullptr, hits);
    each_above(strip, count, group.lanes, hits, found, group.lanes == 1 ? 1 : kPanel, threshold,
               [&](int64_t row, int64_t lane, float score) { f(s + row, lane, score); });
  }
}

class Candidates {
 public:
  // `ascending`: items come in the order of their ids, so that one that ties with the k-th is not wanted.
  Candidates(const Block &block, int64_t k, bool weights, bool ascending)
      : groups_(block.groups()), k_(k), ascending_(ascending), keys_(queries() * k),
        softmax_(weights ? groups_.size() : 0), thresholds_(groups_.size() * kMaxLanes),
        found_(static_cast<std::size_t>(queries())), estimated_(found_.size()) {
    restart();
  }

  // Forgets what was found.
  void restart() {
    for (int64_t q = 0; q < queries(); ++q) {
      found_[static_cast<std::size_t>(q)] = {keys_.get() + q * k_, 0};
    }
    std::fill(thresholds_.begin(), thresholds_.end(), kHidden);
    std::fill(estimated_.begin(), estimated_.end(), char{0});
    for (std::size_t g = 0; g < groups_.size(); ++g) {  // lanes without a query take no candidates
      std::fill(thresholds_.begin() + static_cast<std::ptrdiff_t>(g) * kMaxLanes + groups_[g].count,
                thresholds_.begin() + static_cast<std::ptrdiff_t>(g + 1) * kMaxLanes, -kHidden);
    }
  }

  // Scores above these may be among the best k.
  const float *thresholds(std::size_t g) const { return thresholds_.data() + g * kMaxLanes; }
  void start_from(const Candidates &earlier) { thresholds_ = earlier.thresholds_; }

  // Raises the thresholds to those of a sample where these are higher; they are estimates and may be too high.
  void raise_thresholds(const Candidates &others) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (int64_t l = 0; l < groups_[g].count; ++l) {
        float &threshold = thresholds_[g * kMaxLanes + static_cast<std::size_t>(l)];
        if (others.thresholds(g)[l] <= threshold) continue;
        threshold = others.thresholds(g)[l];
        estimated_[query(g, l)] = 1;
      }
    }
  }
  // Whether an estimated threshold was too high: fewer than k items have passed it.
  bool estimate_too_high() const {
    for (std::size_t q = 0; q < found_.size(); ++q) {
      if (estimated_[q] != 0 && found_[q].count < k_) return true;
    }
    return false;
  }

  void push(std::size_t g, int64_t lane, float score, int32_t id) {
    float &threshold = thresholds_[g * kMaxLanes + static_cast<std::size_t>(lane)];
    if (!found(g, lane).push(key_of(score, id), k_)) return;
    const float kth = score_of(found(g, lane).worst(k_));
    const float least = ascending_ ? kth : std::nextafter(kth, kHidden);
    threshold = std::max(threshold, least);
  }

  // For a query that scores all n items alike: the first k that are not hidden, and from then on nothing.
  template <class Hides>
  void settle(std::size_t g, int64_t lane, float score, int64_t n, Hides hides) {
    int64_t left = k_;
    for (int64_t id = 0; id < n && left > 0; ++id) {
      if (hides(static_cast<int32_t>(id))) continue;
      push(g, lane, score, static_cast<int32_t>(id));
      --left;
    }
    thresholds_[g * kMaxLanes + static_cast<std::size_t>(lane)] = -kHidden;
  }

  void add_candidates(const Candidates &later) {
    for (std::size_t q = 0; q < found_.size(); ++q) {
      for (int64_t i = 0; i < later.found_[q].count; ++i) found_[q].push(later.found_[q].keys[i], k_);
    }
  }

  void add_softmax(const std::vector<Softmax> &later) {
    float keep[kMaxLanes];
    float take[kMaxLanes];
    for (std::size_t g = 0; g < softmax_.size(); ++g) merge(softmax_[g], later[g], groups_[g].lanes, keep, take);
  }
  std::vector<Softmax> &softmaxes() { return softmax_; }

  // `k` columns are wanted; no more than k_ can be real.
  void write(const attnrec_topk_result &result, int64_t k) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (int64_t l = 0; l < groups_[g].count; ++l) {
        const int64_t row = groups_[g].first + l;
        const bool weights = !softmax_.empty();
        if (weights) softmax_[g].check(l);
        write_row(result, row, k, found(g, l), weights ? softmax_[g].shift[l] : 0, weights ? softmax_[g].sum[l] : 0);
        if (weights && result.lse != nullptr) result.lse[row] = lse_of(softmax_[g].shift[l], softmax_[g].sum[l]);
      }
    }
  }

 private:
  int64_t queries() const {
    return groups_.empty() ? 0 : groups_.back().first + groups_.back().count - groups_.front().first;
  }
  std::size_t query(std::size_t g, int64_t lane) const {
    return static_cast<std::size_t>(groups_[g].first - groups_.front().first + lane);
  }
  TopKBuffer &found(std::size_t g, int64_t lane) { return found_[query(g, lane)]; }

  const std::vector<Group> &groups_;
  int64_t k_;
  bool ascending_;
  Buffer<uint64_t> keys_;
  std::vector<Softmax> softmax_;
  std::vector<float> thresholds_;
  std::vector<TopKBuffer> found_;
  std::vector<char> estimated_;  // by query: its threshold is an estimate
};

}  // namespace attnrec
