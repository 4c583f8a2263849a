// One table of kernels. Compiled once per instruction set, with that set's flags and ATTNREC_ISA_<NAME> defined.
// Exports one symbol; includes no standard container, so no inline function of one set can stand in for another's.
#include "pairs.h"
#include "peak.h"
#include "sampled.h"
#include "softmax.h"
#include "table.h"
#include "tile.h"
#include "topk.h"
#include "values.h"

#define ATTNREC_JOIN2(a, b) a##b
#define ATTNREC_JOIN(a, b) ATTNREC_JOIN2(a, b)

namespace attnrec {

extern const Kernels ATTNREC_JOIN(kernels_, ATTNREC_ISA);
const Kernels ATTNREC_JOIN(kernels_, ATTNREC_ISA) = {
    kIsaName, 2 * kWidth, kColumnGroups, pack,       scores,   scores_top, scan,       scores_csr,
    unpack,   lane_max,   exp_sum,       exp_row,    above,    values,     values_csr, values_by_column,
    two_sums, blend,      dots,          score_some, row_dots, fma_chains,
};

}  // namespace attnrec
