// What a search for the best k does with strip after strip in float32, and which arithmetic a call takes. Ops only.
#pragma once
#include <vector>

#include "candidates.h"

namespace attnrec {

// The items of a call; `bias` keeps what they point to.
Keys keys_of(const attnrec_operand &items, const TopKTask &task, std::vector<float> &bias);

// The 8-bit scan serves calls on all of an index for scores alone. `auto` takes it where it was measured to be faster:
// what it can not rule out grows with k, and with the hidden items if those are the best, as seen items mostly are; and
// it costs more where items are in panels, which hold them scattered.
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
