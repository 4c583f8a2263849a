// The training part of attnrec._core. Sees attnrec.h and nothing below it.
#include "call.h"

namespace attnrec {
namespace {

// Room for one gradient, new or the caller's.
py::array room(Arg arg, py::handle out, const char *field, const std::vector<py::ssize_t> &shape) {
  if (!out.is_none() && !py::hasattr(out, field)) {
    throw py::type_error(text(arg.op, ": out has no ", field, "; give a CrossEntropy, such as an earlier result"));
  }
  return output<float>(arg, out.is_none() ? py::none() : py::object(out.attr(field)), shape);
}

py::tuple py_softmax_cross_entropy(py::handle queries, py::handle items, py::handle targets, py::handle scale,
                                   py::handle item_bias, py::handle sample_weight, py::handle normalize,
                                   py::handle lse_weight, py::handle eps, py::handle grad, py::handle check_finite,
                                   py::handle out, py::handle num_threads, py::handle memory_budget) {
  const char *op = "softmax_cross_entropy";
  const Operand q({op, "queries"}, queries);
  const Operand v({op, "items"}, items);
  if (q.get()->dense == nullptr || v.get()->dense == nullptr) {
    throw py::type_error(text(op, ": queries and items have to be dense; give arrays (b, d) and (n, d)"));
  }
  if (!is_sparse(targets) && !py::hasattr(targets, "tocsr")) {
    throw py::type_error(text(op, ": targets is not a sparse matrix (b, n) or a vector of b item ids"));
  }
  const Operand y({op, "targets"}, targets);
  attnrec_cross_entropy_options o{};
  o.size = sizeof(o);
  o.scale = as_scale({op, "scale"}, scale);
  o.normalize = choice<attnrec_normalize>({op, "normalize"}, normalize, {"all", "unseen"});
  o.lse_weight = as_scale({op, "lse_weight"}, lse_weight);
  o.eps = as_scale({op, "eps"}, eps);
  const py::object bias = floats_into({op, "item_bias"}, item_bias, v.rows(), "items", o.item_bias);
  const py::object weight = floats_into({op, "sample_weight"}, sample_weight, q.rows(), "queries", o.sample_weight);
  const attnrec_run run = run_of(op, check_finite, num_threads, memory_budget);
  double loss = 0;
  attnrec_cross_entropy_result result{};
  result.loss = &loss;
  py::object d_queries = py::none();
  py::object d_items = py::none();
  py::object d_bias = py::none();
  const auto take = [&](const char *field, const std::vector<py::ssize_t> &shape, py::object &keep) {
    py::array x = room({op, field}, out, field, shape);
    keep = x;
    return floats(x);
  };
  if (as_flag({op, "grad"}, grad)) {
    result.d_queries = take("d_queries", {q.rows(), q.cols()}, d_queries);
    result.d_items = take("d_items", {v.rows(), v.cols()}, d_items);
    if (o.item_bias != nullptr) result.d_item_bias = take("d_item_bias", {v.rows()}, d_bias);
  }
  call([&] { return api().softmax_cross_entropy(&q.matrix(), &v.matrix(), y.csr(), &o, &result, &run); });
  return py::make_tuple(loss, d_queries, d_items, d_bias);
}

void py_adam_step(py::handle parameters, py::handle gradient, py::handle first, py::handle second, py::handle step,
                  py::handle learning_rate, py::handle beta1, py::handle beta2, py::handle eps, py::handle weight_decay,
                  py::handle check_finite, py::handle num_threads) {
  const char *op = "adam_step";
  if (!py::isinstance<py::array>(parameters)) throw py::type_error(text(op, ": parameters is not a numpy array"));
  const auto given = py::reinterpret_borrow<py::array>(parameters);
  const std::vector<py::ssize_t> shape(given.shape(), given.shape() + given.ndim());
  py::array x = output<float>({op, "parameters"}, parameters, shape);
  py::array m = output<float>({op, "first"}, first, shape);
  py::array v = output<float>({op, "second"}, second, shape);
  const py::array g = py::module_::import("numpy").attr("ascontiguousarray")(as_float({op, "gradient"}, gradient));
  if (!g.attr("shape").equal(given.attr("shape"))) {
    throw py::value_error(text(op, ": gradient ", shape_text(g), " and parameters ", shape_text(x),
                               " differ in shape; give one number for each parameter"));
  }
  const auto number = [&](const char *name, py::handle value) {
    as_scale({op, name}, value);  // says which is not a number
    return PyFloat_AsDouble(value.ptr());
  };
  attnrec_adam_options o{};
  o.size = sizeof(o);
  o.step = as_integer({op, "step"}, step);
  o.learning_rate = number("learning_rate", learning_rate);
  o.beta1 = number("beta1", beta1);
  o.beta2 = number("beta2", beta2);
  o.eps = number("eps", eps);
  o.weight_decay = number("weight_decay", weight_decay);
  const attnrec_run run = run_of(op, check_finite, num_threads, py::none());
  float *to = floats(x);
  float *to_first = floats(m);
  float *to_second = floats(v);
  const auto *from = static_cast<const float *>(g.data());
  const int64_t n = x.size();
  call([&] { return api().adam_step(to, from, to_first, to_second, n, &o, &run); });
}

}  // namespace

void bind_training(py::module_ &m) {
  bind<py_softmax_cross_entropy>(m,
                                 "softmax_cross_entropy(queries, items, targets, /, *, scale, item_bias, "
                                 "sample_weight, normalize, lse_weight, eps, grad, check_finite, out, num_threads, "
                                 "memory_budget)");
  bind<py_adam_step>(m,
                     "adam_step(parameters, gradient, first, second, step, /, *, learning_rate, beta1, beta2, eps, "
                     "weight_decay, check_finite, num_threads)");
}

}  // namespace attnrec
