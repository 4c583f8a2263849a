// Hides items from queries by writing -infinity into strips. Ops only.
#include "mask.h"

namespace attnrec {

Masker::Masker(const Masks &masks, const int32_t *subset, const Block &block)
    : masks_(masks), subset_(subset), groups_(block.groups()) {
  const bool filters = masks.filter != nullptr && !masks.filter->empty();
  active_ = masks.exclude != nullptr || filters;
  if (masks.exclude != nullptr)
    exclude_at_.resize(groups_.empty() ? 0 : groups_.back().first + groups_.back().count - groups_.front().first);
  if (filters) filter_at_.resize(groups_.size());
}

void Masker::restart() { started_ = false; }

void Masker::start(int64_t first) {
  if (!active_ || started_) return;  // later units go on where the last one ended
  started_ = true;
  const int64_t id = subset_ == nullptr ? first : subset_[first];
  for (std::size_t q = 0; q < exclude_at_.size(); ++q) {
    const int64_t row = groups_.front().first + static_cast<int64_t>(q);
    const int32_t *begin = masks_.exclude->indices + masks_.exclude->indptr[row];
    const int32_t *end = masks_.exclude->indices + masks_.exclude->indptr[row + 1];
    exclude_at_[q] = std::lower_bound(begin, end, id) - masks_.exclude->indices;
  }
  for (std::size_t &at : filter_at_) {
    at = std::lower_bound(masks_.filter->begin(), masks_.filter->end(), id) - masks_.filter->begin();
  }
}

void Masker::apply(std::size_t group, int64_t s, int64_t count, float *strip) {
  const Group &g = groups_[group];
  const int64_t last_id = subset_ == nullptr ? s + count - 1 : subset_[s + count - 1];
  const auto row_of = [&](int32_t id) -> int64_t {  // in the strip, or -1
    if (subset_ == nullptr) return id - s;
    const int32_t *at = std::lower_bound(subset_ + s, subset_ + s + count, id);
    return at != subset_ + s + count && *at == id ? at - subset_ - s : -1;
  };
  if (!exclude_at_.empty()) {
    for (int64_t l = 0; l < g.count; ++l) {
      int64_t &at = exclude_at_[g.first - groups_.front().first + l];
      const int64_t end = masks_.exclude->indptr[g.first + l + 1];
      for (; at < end && masks_.exclude->indices[at] <= last_id; ++at) {
        const int64_t row = row_of(masks_.exclude->indices[at]);
        if (row >= 0) strip[row * g.lanes + l] = kHidden;
      }
    }
  }
  if (!filter_at_.empty()) {
    std::size_t &at = filter_at_[group];
    for (; at < masks_.filter->size() && (*masks_.filter)[at] <= last_id; ++at) {
      const int64_t row = row_of((*masks_.filter)[at]);
      if (row >= 0) std::fill_n(strip + row * g.lanes, g.lanes, kHidden);
    }
  }
}

bool Masker::filters(int32_t id) const {
  return !filter_at_.empty() && std::binary_search(masks_.filter->begin(), masks_.filter->end(), id);
}

bool Masker::hides_any(std::size_t group, int64_t lane, int32_t id) const {
  if (filters(id)) return true;
  if (exclude_at_.empty()) return false;
  const int32_t *indices = masks_.exclude->indices;
  const int64_t *row = masks_.exclude->indptr + groups_[group].first + lane;
  return std::binary_search(indices + row[0], indices + row[1], id);
}

bool Masker::hides(std::size_t group, int64_t lane, int32_t id) {
  if (filters(id)) return true;
  if (exclude_at_.empty()) return false;
  const int64_t row = groups_[group].first + lane;
  int64_t &at = exclude_at_[row - groups_.front().first];
  const int64_t end = masks_.exclude->indptr[row + 1];
  while (at < end && masks_.exclude->indices[at] < id) ++at;
  return at < end && masks_.exclude->indices[at] == id;
}

}  // namespace attnrec
