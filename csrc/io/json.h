// JSON as RFC 8259 has it, for the headers of model files: what is not strictly JSON is refused. Model: knows no file.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace attnrec {

struct BadJson : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct JsonMember;

struct Json {
  enum class Kind : uint8_t { kNull, kBool, kInteger, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool truth = false;
  int64_t integer = 0;  // a number without fraction and exponent that fits
  double number = 0;    // any other
  std::string text;     // UTF-8
  std::vector<Json> items;
  std::vector<JsonMember> members;  // by name, no name twice

  const Json *find(std::string_view name) const;  // null: this is no object, or it has none of this name
};

struct JsonMember {
  std::string name;
  Json value;
};

// Bytes of a UTF-8 sequence of valid form at the front of x: no overlong form, nothing past U+10FFFF, and no surrogate
// unless they are allowed; 0 where there is none.
std::size_t utf8_length(std::string_view x, bool surrogates = false);

// Throws BadJson, which says where; also for what is nested too deep, or holds too many values, to be a header.
Json parse_json(std::string_view text);

}  // namespace attnrec
