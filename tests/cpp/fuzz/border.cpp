// The C interface under a fuzzer: bytes choose an entry and all that it gets. Fuzzing: a consumer of attnrec.h alone.
#include "entries.h"

namespace {

using namespace attnrec_fuzz;

const Entry kEntries[] = {
    {"topk", topk},
    {"attend", attend},
    {"softmax_cross_entropy", softmax_cross_entropy},
    {"similarity", similarity},
    {"attention_matrix", attention_matrix},
    {"predict_ratings", predict_ratings},
    {"score_pairs", score_pairs},
    {"sampled_product", sampled_product},
    {"index", index},
    {"adam_step", adam_step},
    {"dot_product", dot_product},
    {"settings", settings},
    {"searcher", searcher},
    {"index_file", index_file},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
  Bytes bytes(data, size);
  const Entry &entry = bytes.one_of(kEntries);
  entry.call(entry.name, bytes);
  return 0;
}
