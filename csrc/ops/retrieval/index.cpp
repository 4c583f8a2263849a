// The packed index: items in panels of 12 or in rows, quantised to 8 bits where that serves. Ops only.
#include <algorithm>
#include <memory>

#include "../walk/operand.h"
#include "../walk/sweep.h"
#include "int8.h"

namespace attnrec {

attnrec_index *index_create(const attnrec_matrix &items, attnrec_precision precision, float top, const Run &run) {
  auto index = std::make_unique<attnrec_index>();
  index->n = items.rows;
  index->d = items.cols;
  index->max_abs = top;
  index->precision = precision;
  index->in_panels = precision != ATTNREC_PRECISION_INT8 || !int8_serves(items.rows, items.cols);
  index->data = Buffer<float>(round_up(items.rows, kPanel) * items.cols + kSlack);
  const attnrec_operand x{&items, nullptr, nullptr};
  constexpr int64_t step = 340 * kPanel;
  Threads threads = run.threads;
  threads.count = plan_blocks(run, items.rows, 1, 1, 1, static_cast<double>(items.rows * items.cols)).threads;
  parallel_for(ceil_div(items.rows, step), threads, [&](int64_t i) {
    const int64_t first = i * step;
    const int64_t count = std::min(step, items.rows - first);
    float *to = index->data.get() + first * items.cols;
    if (index->in_panels) return pack_panels(x, nullptr, first, count, to);
    for (int64_t j = 0; j < count; ++j, to += items.cols) pack_lanes<int64_t>(x, nullptr, first + j, 1, 1, to);
  });
  if (precision != ATTNREC_PRECISION_FLOAT32 && int8_serves(items.rows, items.cols))
    index->int8 = int8_items(*index, run);
  return index.release();
}

Int8Ready::Int8Ready(const attnrec_operand &items, const TopKTask &task, const Run &run) : items_(items) {
  if (task.precision != ATTNREC_PRECISION_INT8 || items.dense == nullptr) return;
  if (task.include != nullptr || task.items != nullptr) return;  // float32 serves these
  index_.reset(index_create(*items.dense, task.precision, 0, run));
  items_ = {nullptr, nullptr, index_.get()};
}

void index_rows(const attnrec_index &index, int64_t first, int64_t count, float *out) {
  const int64_t stride = stride_of(index);
  for (int64_t i = 0; i < count; ++i) {
    const float *at = item_of(index, first + i);
    for (int64_t k = 0; k < index.d; ++k) out[i * index.d + k] = at[k * stride];
  }
}

}  // namespace attnrec
