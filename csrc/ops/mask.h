// Hides items from queries by writing -infinity into strips, in time proportional to what is hidden. Ops only.
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
  // To be called before the strips of a unit that starts at position `first`.
  void start(int64_t first);
  void apply(std::size_t group, int64_t s, int64_t count, float *strip);

 private:
  const Masks &masks_;
  const int32_t *subset_;
  const std::vector<Group> &groups_;
  bool active_;
  std::vector<int64_t> exclude_at_;     // by query of the block
  std::vector<std::size_t> filter_at_;  // by group
};

}  // namespace attnrec
