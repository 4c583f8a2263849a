// The float32 scan of a search for the best k: strips of scores, what may be kept of them, their softmax. Ops only.
#include "scan.h"

#include <cmath>

#include "../../core/dispatch.h"

namespace attnrec {
namespace {

bool all_finite(const float *x, int64_t n) {
  float zero = 0;
  for (int64_t i = 0; i < n; ++i) zero += x[i] * 0.0F;  // NaN from infinity and NaN alone
  return zero == 0;
}

}  // namespace

Keys keys_of(const attnrec_operand &items, const TopKTask &task, std::vector<float> &bias) {
  Keys keys;
  keys.operand = items;
  keys.n = task.items == nullptr ? rows_of(items) : static_cast<int64_t>(task.items->size());
  keys.d = cols_of(items);
  keys.scale = task.scale;
  keys.subset = task.items == nullptr ? nullptr : task.items->data();
  if (task.bias != nullptr) {
    bias.resize(static_cast<std::size_t>(round_up(keys.n, kPanel) + kSlack));
    for (int64_t j = 0; j < keys.n; ++j) {
      bias[static_cast<std::size_t>(j)] = task.bias[keys.subset == nullptr ? j : keys.subset[j]];
    }
    keys.bias = bias.data();
  }
  return keys;
}

bool takes_int8(const attnrec_operand &items, const TopKTask &task, int64_t b) {
  if (items.index == nullptr || items.index->int8 == nullptr || task.weights || task.items != nullptr) return false;
  if (task.precision != ATTNREC_PRECISION_AUTO) return task.precision == ATTNREC_PRECISION_INT8;
  int64_t hidden = task.masks.filter == nullptr ? 0 : static_cast<int64_t>(task.masks.filter->size());
  if (task.masks.exclude != nullptr && b > 0) hidden += task.masks.exclude->indptr[b] / b;
  const Int8Kernels &int8 = *level().int8;
  const bool one_instruction = int8.item_levels == int8.query_levels;  // for four products
  const auto n = static_cast<double>(items.index->n);
  const bool panels = items.index->in_panels;
  const double few = one_instruction ? std::sqrt(n) * (panels ? 0.5 : 1.5) : n / (panels ? 2000 : 500);
  return int8.fast && task.bias == nullptr && static_cast<double>(task.k + hidden / 2) <= std::max(10.0, few);
}

Scan::Scan(const Kernels &k, const Block &block, const Keys &keys, const TopKTask &task)
    : k_(k), block_(block), keys_(keys), task_(task), reader_(keys, strip_items(keys.d), 0),
      masker_(task.masks, keys.subset, block), strip_(strip_items(keys.d) * k.lanes + kSlack),
      hits_(strip_items(keys.d) + kPanel),
      mask_strips_(masker_.active() && task.weights && !task.hidden_in_denominator),
      mask_candidates_(masker_.active() && !mask_strips_) {}

void Scan::unit(int64_t first, int64_t last, Candidates &candidates, std::vector<Softmax> &softmax) {
  masker_.start(first);
  sweep(reader_, block_, keys_.d, first, last, [&](std::size_t g, int64_t s, int64_t count) {
    const float *threshold = candidates.thresholds(g);
    int64_t rows = reader_.hit_rows(block_.groups()[g]);
    int64_t found = 0;
    if (mask_strips_) {
      found = weigh_masked(g, s, count, threshold, softmax[g]);
      rows = 1;
    } else {
      found = look(g, s, count, threshold, task_.weights ? &softmax[g] : nullptr);
    }
    if (task_.check_scores && !all_finite(strip_.get(), count)) throw ScoreNotFinite();
    collect(g, s, count, found, rows, candidates);
  });
}

// Where a look is worth it; and with `softmax` that of all scores.
int64_t Scan::look(std::size_t g, int64_t s, int64_t count, const float *threshold, Softmax *softmax) {
  const Group &group = block_.groups()[g];
  float top[kMaxLanes];
  float factor[kMaxLanes];
  const int64_t found = reader_.scan(k_, block_.groups(), g, s, count, threshold, strip_.get(),
                                     softmax == nullptr ? nullptr : top, hits_.get());
  if (softmax == nullptr) return found;
  add_strip(k_, *softmax, strip_.get(), count, group.lanes, top, nullptr, factor);
  return found;
}

// The same where hidden items are not in the denominator.
int64_t Scan::weigh_masked(std::size_t g, int64_t s, int64_t count, const float *threshold, Softmax &softmax) {
  const Group &group = block_.groups()[g];
  float *scores = strip_.get();
  float top[kMaxLanes];
  float factor[kMaxLanes];
  reader_.strip(k_, group, s, count, scores);
  masker_.apply(g, s, count, scores);
  k_.lane_max(scores, count, group.lanes, top);
  add_strip(k_, softmax, scores, count, group.lanes, top, nullptr, factor);
  bool any = false;
  for (int64_t l = 0; l < group.lanes; ++l) any |= top[l] > threshold[l];
  if (!any) return 0;
  return k_.above(scores, count, group.lanes, threshold, hits_.get());
}

void Scan::collect(std::size_t g, int64_t s, int64_t count, int64_t found, int64_t rows, Candidates &candidates) {
  const auto push = [&](int64_t row, int64_t lane, float score) {
    const int32_t id = keys_.subset == nullptr ? static_cast<int32_t>(s + row) : keys_.subset[s + row];
    if (!mask_candidates_ || !masker_.hides(g, lane, id)) candidates.push(g, lane, score, id);
  };
  each_above(strip_.get(), count, block_.groups()[g].lanes, hits_.get(), found, rows, candidates.thresholds(g), push);
}

}  // namespace attnrec
