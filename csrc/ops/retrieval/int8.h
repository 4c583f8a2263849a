// The certified 8-bit scan of packed items: their quantised copy, the quantised queries, and the walk over both. What
// it returns is bit for bit what the float32 scan returns; kernels/int8_table.h proves it. Ops only.
#pragma once
#include <memory>
#include <vector>

#include "../../kernels/int8_table.h"
#include "../walk/mask.h"
#include "candidates.h"

namespace attnrec {

// Items by decreasing norm. Positions are places in that order.
struct Int8Items {
  int64_t n = 0, depth = 0;       // depth: d / 4, rounded up to an even number
  Buffer<uint8_t> panels;         // [ceil(n / 12)][depth][12][4]
  Buffer<PanelBound> bounds;      // of each panel; their bias is 0
  Buffer<int32_t> order;          // position -> id
  std::vector<float> head_norms;  // norm of the first item of each strip, rounded up
  int64_t head = 0;               // items of the largest norms, scanned in float32 for a first threshold
  Buffer<float> head_panels;
};

constexpr int64_t kInt8Strip = 96;      // items
constexpr int64_t kInt8Head = 960;      // a multiple of it
constexpr int64_t kInt8MinItems = 960;  // fewer are not worth it

// Whether the level of this processor has 8-bit kernels, and the items are enough to be worth them.
bool int8_serves(int64_t n, int64_t d);
std::unique_ptr<Int8Items> int8_items(const attnrec_index &index, const Run &run);

// A block of queries that has them on 8 bits too, [depth][lanes][4] a group.
class Int8Block : public Block {
 public:
  Int8Block(const attnrec_operand &queries, int64_t first, int64_t count, int64_t full_lanes, float scale);
  void fill(const attnrec_operand &queries);
  const int8_t *queries(std::size_t g) const { return at_[g]; }
  const LaneBound &bound(std::size_t g) const { return bounds_[g]; }
  const double *norms(std::size_t g) const { return norms_.data() + g * kMaxLanes; }  // of scale * query

 private:
  void quantise();

  int64_t d_;
  float scale_;
  Buffer<int8_t> packed_;
  std::vector<int8_t *> at_;
  std::vector<LaneBound> bounds_;
  std::vector<double> norms_;
};

// The items' biases in the order of the scan. One a call.
struct Int8Bias {
  std::vector<PanelBound> bounds;  // of the panels, biases filled in; empty without any bias
  std::vector<float> head;         // by position, of the head
  std::vector<float> from;         // by strip: the largest from there on
  Int8Bias(const Int8Items &items, const float *bias);
};

// What one task needs to scan units for one block; the twin of the float32 scan in retrieve.cpp.
class Int8Scan {
  static constexpr int64_t kPendingAtMost = 4 * kScoreAtOnce;  // time for their items to arrive in the cache

 public:
  Int8Scan(const Int8Block &block, const Keys &keys, const Int8Bias &bias, const TopKTask &task);
  void restart();  // for other queries and masks in the same places
  // The head, from which the first thresholds come.
  void begin(Candidates &candidates);
  // Positions [first, last) behind the head.
  void unit(int64_t first, int64_t last, Candidates &candidates, const std::vector<Softmax> &);

 private:
  struct Pending {
    std::size_t group;
    int64_t lane;
    int32_t id;
  };
  void suspect(std::size_t g, int64_t lane, int32_t id, Candidates &candidates);
  bool reachable(std::size_t g, int64_t strip, const float *threshold) const;
  void rescore(Candidates &candidates);

  const Int8Block &block_;
  const Keys &keys_;
  const Int8Items &items_;
  const Int8Bias &bias_;
  const PanelBound *bounds_;
  double score_slack_;
  Masker masker_;
  std::vector<char> done_;  // groups that nothing further on can reach
  Buffer<Hit> hits_;
  Buffer<float> strip_;
  Pending pending_[kPendingAtMost];
  int64_t n_pending_ = 0;
};

}  // namespace attnrec
