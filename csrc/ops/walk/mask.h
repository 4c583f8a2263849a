// Hides items from queries, in time proportional to what is hidden: by writing -infinity into strips, or by saying of
// a candidate that it is hidden. Ops only.
#pragma once
#include <limits>
#include <vector>

#include "sweep.h"

namespace attnrec {

constexpr float kHidden = -std::numeric_limits<float>::infinity();

// One a task: walks the sorted lists of its queries beside the strips, which come in item order.
class Masker {
 public:
  // `subset` maps positions to ids (null: the same).
  Masker(const Masks &masks, const int32_t *subset, const Block &block);
  bool active() const { return active_; }
  void restart();  // the lists have changed, or the items are walked again
  // To be called before the strips of a unit that starts at position `first`. Units come in order.
  void start(int64_t first);
  void apply(std::size_t group, int64_t s, int64_t count, float *strip);
  // Whether an item is hidden from one query of a group. Ids of one query must not decrease; for it, not beside
  // `apply`.
  bool hides(std::size_t group, int64_t lane, int32_t id);
  // The same for ids in any order.
  bool hides_any(std::size_t group, int64_t lane, int32_t id) const;

 private:
  bool filters(int32_t id) const;

  const Masks &masks_;
  const int32_t *subset_;
  const std::vector<Group> &groups_;
  bool active_;
  bool started_ = false;
  std::vector<int64_t> exclude_at_;     // by query of the block
  std::vector<std::size_t> filter_at_;  // by group
};

}  // namespace attnrec
