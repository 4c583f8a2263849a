// Sums of many terms, whose rounding does not grow with their number. May include <cstdint> only.
//
// Up to kShortSum terms are one running sum. More are summed in parts: each is a running sum that begins with what the
// sum so far has lost to rounding, and two_sum adds it to the whole and leaves there exactly what that addition loses.
// With u = 2^-24 the sum of terms t is so off by little more than kSumPart u sum|t|, where a running sum of n is by
// n u sum|t|. Terms that are all rounded the same way come near to both.
#pragma once
#include <cstdint>

namespace attnrec {

constexpr int64_t kShortSum = 512;
constexpr int64_t kSumPart = 64;  // twice as many: two_sum costs half as much, and equal terms lose twice as much

namespace {

// whole + rest is the same number before and after, and whole then the float32 next to it: Knuth's TwoSum (The Art of
// Computer Programming, vol. 2, section 4.2.2, theorem B). A second time changes nothing.
inline void two_sum(float &whole, float &rest) {
  const float sum = whole + rest;
  const float added = sum - whole;
  rest = (whole - (sum - added)) + (rest - added);
  whole = sum;
}

}  // namespace
}  // namespace attnrec
