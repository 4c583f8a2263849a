// The float32 scan of a top-k search, one score tile (strip) after another, and the choice between it and int8. Ops
// only.
#pragma once
#include <vector>

#include "candidates.h"

namespace attnrec {

// The items of a call; `bias` keeps what they point to.
Keys keys_of(const attnrec_operand &items, const TopKTask &task, std::vector<float> &bias);

// Whether a call uses the int8 scan, which serves scores of all items of an index, without weights. `auto` uses it
// where benchmarks show a gain: the number of items that need float32 rescoring grows with k, and with the hidden items
// where those score highest, as seen items mostly do; rescoring costs more where panels hold the floats of an item
// apart.
bool takes_int8(const attnrec_operand &items, const TopKTask &task, int64_t b);

// What one task needs to scan units for one block.
class Scan {
 public:
  Scan(const Kernels &k, const Block &block, const Keys &keys, const TopKTask &task);
  void restart() { masker_.restart(); }  // for other queries and masks in the same places
  void begin(const Candidates &) {}
  void unit(int64_t first, int64_t last, Candidates &candidates, std::vector<Softmax> &softmax);

 private:
  int64_t look(std::size_t g, int64_t s, int64_t count, const float *threshold, Softmax *softmax);
  int64_t weigh_masked(std::size_t g, int64_t s, int64_t count, const float *threshold, Softmax &softmax);
  void collect(std::size_t g, int64_t s, int64_t count, int64_t found, int64_t rows, Candidates &candidates);

  const Kernels &k_;
  const Block &block_;
  const Keys &keys_;
  const TopKTask &task_;
  ChunkReader reader_;
  Masker masker_;
  Buffer<float> strip_;
  Buffer<Hit> hits_;
  bool mask_strips_;      // hidden items leave the denominator, so they are hidden before the exponentials
  bool mask_candidates_;  // otherwise it is enough to look at what would be kept
};

}  // namespace attnrec
