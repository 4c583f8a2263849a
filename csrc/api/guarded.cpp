// The shared part of the C interface. Border: no kernels, no Python.
#include "guarded.h"

#include "../core/dispatch.h"
#include "../ops/walk/operand.h"

namespace attnrec {

std::string &last_error() {
  thread_local std::string text;
  return text;
}

Settings settings_of(const char *op, const attnrec_run *run) {
  const attnrec_run asked = run == nullptr ? attnrec_run{} : given({op, "run"}, run);
  if (asked.num_threads < 0) fail(op, ": num_threads is ", asked.num_threads, "; give at least 1, or leave it out");
  if (asked.memory_budget < 0) fail(op, ": memory_budget is ", asked.memory_budget, "; give bytes, or leave it out");
  Settings out;
  out.run.threads = {asked.num_threads > 0 ? asked.num_threads : default_num_threads(), asked.poll, asked.poll_data};
  out.run.memory_budget = asked.memory_budget > 0 ? asked.memory_budget : default_memory_budget();
  out.skip_finite = asked.skip_finite_check != 0;
  kernels();  // says now, and plainly, when ATTNREC_ISA does not run here
  return out;
}

void check_product(const char *op, const char *a_name, const attnrec_operand *a, const char *b_name,
                   const attnrec_operand *b, float scale, const Settings &s, float bias, bool b_later) {
  check_operand({op, a_name}, a, false);
  check_operand({op, b_name}, b, true);
  check_same_width(op, a_name, *a, b_name, *b);
  check_scale(op, scale);
  const float top_a = check_finite({op, a_name}, *a, s.run, s.skip_finite);
  const float top_b = check_finite({op, b_name}, *b, s.run, s.skip_finite || b_later);
  check_magnitude(op, cols_of(*a), top_a, top_b, scale, bias);
}

void check_values(ArgumentName who, const attnrec_operand &values, const Settings &s, float by) {
  const float top = check_finite(who, values, s.run, s.skip_finite);
  check_magnitude(who.op, rows_of(values), top, 1e8F, by);
}

}  // namespace attnrec
