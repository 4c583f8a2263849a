// Serves recommendations from C++: opens a model that Python saved, then answers one line of standard input at a time.
//
//     printf '12 7 31\n3\n' | serve model.safetensors 5
//
// A line holds the items of a history, each with =RATING for a model of ratings; an answer the 5 best items, best
// first. Lines are put before the model together, so that it works on many users at once, on all threads.
#include <attnrec/attnrec.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

const attnrec_api &api() {
  static const attnrec_api *table = attnrec_get_api();
  return *table;
}

void check(attnrec_status status) {
  if (status != ATTNREC_OK) throw std::runtime_error(api().last_error());
}

// A model; immutable, so that any number of threads may ask it.
class Model {
 public:
  explicit Model(const std::string &path) {
    attnrec_model *opened = nullptr;
    check(api().model_open(path.c_str(), &opened, nullptr));
    model_.reset(opened);
    info_.size = sizeof(info_);
    check(api().model_info(model_.get(), &info_));
  }
  const attnrec_model_info &info() const { return info_; }
  const attnrec_model *get() const { return model_.get(); }

 private:
  struct Free {
    void operator()(attnrec_model *model) const { api().model_free(model); }
  };
  std::unique_ptr<attnrec_model, Free> model_;
  attnrec_model_info info_{};
};

// Histories as compressed sparse rows.
struct Histories {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> items;
  std::vector<float> ratings;

  void add(const std::string &line) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      std::size_t end = 0;
      items.push_back(std::stoi(word, &end));
      const bool rated = end < word.size() && word[end] == '=';
      ratings.push_back(rated ? std::stof(word.substr(end + 1)) : 1.0F);
      if (!rated && end != word.size()) throw std::invalid_argument("an item is a number, or a number=rating");
    }
    indptr.push_back(static_cast<std::int64_t>(items.size()));
  }

  attnrec_csr rows(std::int64_t n_items) const {
    return {indptr.data(), items.data(), ratings.data(), static_cast<std::int64_t>(indptr.size()) - 1, n_items};
  }
};

void serve(const Model &model, std::int64_t k, std::istream &in, std::ostream &out) {
  Histories histories;
  for (std::string line; std::getline(in, line);) histories.add(line);
  const attnrec_csr rows = histories.rows(model.info().n_items);
  std::vector<std::int64_t> ids(static_cast<std::size_t>(rows.rows * k));
  std::vector<float> scores(ids.size());
  attnrec_recommend_options options{};  // zeros are the defaults
  options.size = sizeof(options);
  options.k = k;
  attnrec_recommend_result result{};
  result.ids = ids.data();
  result.scores = scores.data();
  check(api().model_recommend(model.get(), &rows, &options, &result, nullptr));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    for (std::int64_t j = i * k; j < (i + 1) * k && ids[static_cast<std::size_t>(j)] >= 0; ++j) {
      out << (j > i * k ? " " : "") << ids[static_cast<std::size_t>(j)];
    }
    out << '\n';
  }
}

}  // namespace

int main(int argc, char **argv) {
  try {
    const long k = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
    if (k < 1) throw std::invalid_argument("call it as: serve MODEL NUMBER, with a history in each line of its input");
    const Model model(argv[1]);
    serve(model, k, std::cin, std::cout);
  } catch (const std::exception &error) {
    std::cerr << "serve: " << error.what() << '\n';
    return 1;
  }
}
