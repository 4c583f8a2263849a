// One pass of kernel attention on ratings, with its solution: predictions for any history
// (models/kernel_explicit/stage.py). Model.
#pragma once
#include "ratings.h"

namespace attnrec {

// Rows of length 1 that are compared, and how much their cosine counts.
struct Part {
  float weight;
  attnrec_operand rows;
};

// out (b, n) = exp((sum over parts of weight * cosine - 1) / temperature)
void kernel(const std::vector<Part> &queries, const std::vector<Part> &keys, double temperature, float *out,
            const Run &run);

// What similar users thought of similar items.
struct Joint {
  double strength;
  const float *items;    // kernel between items, (items, items)
  Buffer<float> values;  // strength times what users attend to, (users, items)
};

// Numbers of a pass, in units of the variance of the ratings.
struct Hyperparameters {
  double item_kernel_weight, user_kernel_weight, bias_weight, noise;
};

// A prediction takes the coefficients of all other users as they are, and solves for the user's own given these. So
// fitted users and others, by whatever history, are predicted in one way.
class Stage {
 public:
  // coefficients (entries of x), those of the fitted ratings. All have to stay.
  Stage(const attnrec_csr &x, const Biases &biases, const double *coefficients, const Hyperparameters &hyperparameters,
        std::vector<Joint> joints, const Run &run);
  Stage(const Stage &) = delete;
  // out (b, items): predictions less the mean, over the scale. kernels: for each joint (b, users), 0 for themselves.
  void predict(const Users &users, const std::vector<const float *> &kernels, double *out, const Run &run) const;

 private:
  void add_own(const attnrec_csr &histories, int64_t i, double *row) const;
  // Strength of a kernel between items for one user alone.
  double strength(std::size_t joint) const {
    return joints_[joint].strength + (joint == 0 ? hyperparameters_.item_kernel_weight : 0);
  }

  const attnrec_csr &x_;
  const Biases &biases_;
  const double *coefficients_;
  const Hyperparameters hyperparameters_;
  const std::vector<Joint> joints_;
  std::vector<double> by_item_;  // sums of the coefficients
};

}  // namespace attnrec
