// Resampling of bytes, AVX2. A 24-bit weight k is split into k = 2^15 high + low (low in [0, 2^15)), so that vpmaddwd
// multiplies and adds two taps at once: sum k p = 2^15 sum high p + sum low p modulo 2^32, exact whatever the order.
// vpmulld would do a quarter of the work a cycle.
//
// Columns: four taps of a pixel's channels are one 16-byte load, shuffled to 16-bit pairs (tap 0, tap 1 | tap 2, tap 3)
// x channel; four rows share the weights' registers: 8 accumulators, 2 weights, 1 shuffle, 4 loads = 15 of 16
// registers. One and two channels are rare: one channel packs four rows into a load, two go the plain way.
//
// Rows: 32 bytes of two source rows are interleaved; 8 accumulators, 2 weights, 4 data.
#include <immintrin.h>
#include <string.h>

#include "ops/resample/resample.h"

JC_DECLARE(resample)

namespace jc::resample {
namespace {

constexpr int kLowBits = 15;
constexpr int32_t kLowMask = (1 << kLowBits) - 1;
constexpr int64_t kRows = 4;

inline uint8_t clip(uint32_t sum) {
  int32_t value = static_cast<int32_t>(sum) >> kPrecision;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Per output column and group: four low halves, four high halves; zero behind the window.
void split(const jc_resample_args* a, int64_t groups, int16_t* out) {
  for (int64_t i = 0; i < a->columns; ++i) {
    const int32_t* weights = a->column_weights + i * a->column_taps;
    for (int64_t g = 0; g < groups; ++g, out += 2 * kGroup) {
      for (int64_t j = 0; j < kGroup; ++j) {
        int64_t tap = g * kGroup + j;
        int32_t k = tap < a->column_size[i] ? weights[tap] : 0;
        out[j] = static_cast<int16_t>(k & kLowMask);
        out[kGroup + j] = static_cast<int16_t>(k >> kLowBits);
      }
    }
  }
}

inline __m128i load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// (2^21 + 2^15 high + low) >> 22, clipped to bytes in the low four bytes; the two lanes of each hold partial sums.
inline int32_t finish(__m256i low, __m256i high) {
  __m256i sum = _mm256_add_epi32(low, _mm256_slli_epi32(high, kLowBits));
  __m128i total = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  total = _mm_srai_epi32(_mm_add_epi32(total, _mm_set1_epi32(1 << (kPrecision - 1))), kPrecision);
  total = _mm_packs_epi32(total, total);
  return _mm_cvtsi128_si32(_mm_packus_epi16(total, total));
}

// Pairs of taps as 16-bit words: lane 0 taps 0 and 1, lane 1 taps 2 and 3, one 32-bit pair for each channel.
template <int C>
inline __m256i pairs() {
  alignas(32) int8_t index[32];
  for (int lane = 0; lane < 2; ++lane) {
    for (int c = 0; c < 4; ++c) {
      int first = 2 * lane * C + c;
      int8_t* at = index + 16 * lane + 4 * c;
      at[0] = static_cast<int8_t>(c < C ? first : -1);
      at[2] = static_cast<int8_t>(c < C ? first + C : -1);
      at[1] = at[3] = -1;
    }
  }
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(index));
}

template <int C, int R>
void columns(const jc_resample_args* a, int64_t groups, const int16_t* weights, const uint8_t* x, uint8_t* out,
             int64_t stride) {
  const __m256i shuffle = pairs<C>();
  const __m256i first_pair = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const __m256i second_pair = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  for (int64_t i = 0; i < a->columns; ++i, weights += groups * 2 * kGroup) {
    const uint8_t* from = x + int64_t{a->column_first[i]} * C;
    int64_t used = (a->column_size[i] + kGroup - 1) / kGroup;
    __m256i low[R], high[R];
    for (int r = 0; r < R; ++r) low[r] = high[r] = _mm256_setzero_si256();
    for (int64_t g = 0; g < used; ++g, from += kGroup * C) {
      __m256i both =
          _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + g * 2 * kGroup)));
      __m256i low_weights = _mm256_permutevar8x32_epi32(both, first_pair);
      __m256i high_weights = _mm256_permutevar8x32_epi32(both, second_pair);
      for (int r = 0; r < R; ++r) {
        __m256i pixels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load(from + r * a->x_row)), shuffle);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(pixels, low_weights));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(pixels, high_weights));
      }
    }
    for (int r = 0; r < R; ++r) {  // writes four bytes: the next column, or the padding, takes over what is too much
      int32_t pixel = finish(low[r], high[r]);
      memcpy(out + r * stride + i * C, &pixel, 4);
    }
  }
}

// One channel: four taps of four rows are one 16-byte vector.
void columns_of_grey(const jc_resample_args* a, int64_t groups, const int16_t* weights, const uint8_t* x, int64_t rows,
                     uint8_t* out, int64_t stride) {
  for (int64_t i = 0; i < a->columns; ++i, weights += groups * 2 * kGroup) {
    const uint8_t* from = x + a->column_first[i];
    int64_t used = (a->column_size[i] + kGroup - 1) / kGroup;
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int64_t g = 0; g < used; ++g, from += kGroup) {
      int32_t four[kRows] = {};
      for (int64_t r = 0; r < rows; ++r) memcpy(four + r, from + r * a->x_row, 4);
      __m256i pixels = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(four)));
      int64_t halves[2];
      memcpy(halves, weights + g * 2 * kGroup, 16);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(pixels, _mm256_set1_epi64x(halves[0])));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(pixels, _mm256_set1_epi64x(halves[1])));
    }
    alignas(32) uint32_t sums[2 * kRows];
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums), _mm256_add_epi32(low, _mm256_slli_epi32(high, kLowBits)));
    for (int64_t r = 0; r < rows; ++r) {
      out[r * stride + i] = clip(sums[2 * r] + sums[2 * r + 1] + (1u << (kPrecision - 1)));
    }
  }
}

void columns_of_two(const jc_resample_args* a, const uint8_t* x, uint8_t* out) {
  for (int64_t i = 0; i < a->columns; ++i) {
    const int32_t* weights = a->column_weights + i * a->column_taps;
    const uint8_t* from = x + int64_t{a->column_first[i]} * 2;
    uint32_t first = 1u << (kPrecision - 1), second = first;
    for (int64_t j = 0; j < a->column_size[i]; ++j) {
      first += static_cast<uint32_t>(weights[j]) * from[2 * j];
      second += static_cast<uint32_t>(weights[j]) * from[2 * j + 1];
    }
    out[2 * i] = clip(first);
    out[2 * i + 1] = clip(second);
  }
}

template <int C>
void all_columns(const jc_resample_args* a, const Shape& s, const int16_t* weights, uint8_t* part) {
  int64_t r = s.from;
  for (; r + kRows <= s.to; r += kRows) {
    columns<C, kRows>(a, s.groups, weights, a->x + r * a->x_row, part + (r - s.from) * s.stride, s.stride);
  }
  for (; r < s.to; ++r) {
    columns<C, 1>(a, s.groups, weights, a->x + r * a->x_row, part + (r - s.from) * s.stride, s.stride);
  }
}

struct Sums {
  __m256i low[4];
  __m256i high[4];
};

// Two source rows a, b of 32 bytes with their weights: pairs (a, b) in 16 bits.
inline void add_pair(Sums& sums, __m256i a, __m256i b, int32_t weight_a, int32_t weight_b) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i low = _mm256_set1_epi32((weight_b & kLowMask) << 16 | (weight_a & kLowMask));
  __m256i high = _mm256_set1_epi32((weight_b >> kLowBits) * 65536 | ((weight_a >> kLowBits) & 0xffff));
  __m256i left = _mm256_unpacklo_epi8(a, b);
  __m256i right = _mm256_unpackhi_epi8(a, b);
  __m256i words[4] = {_mm256_unpacklo_epi8(left, zero), _mm256_unpackhi_epi8(left, zero),
                      _mm256_unpacklo_epi8(right, zero), _mm256_unpackhi_epi8(right, zero)};
  for (int i = 0; i < 4; ++i) {
    sums.low[i] = _mm256_add_epi32(sums.low[i], _mm256_madd_epi16(words[i], low));
    sums.high[i] = _mm256_add_epi32(sums.high[i], _mm256_madd_epi16(words[i], high));
  }
}

// 32 bytes of an output row. x: the window's first row.
inline __m256i rows_of_32(const uint8_t* x, int64_t stride, const int32_t* weights, int64_t size) {
  Sums sums;
  for (int i = 0; i < 4; ++i) sums.low[i] = sums.high[i] = _mm256_setzero_si256();
  auto row = [&](int64_t j) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + j * stride)); };
  int64_t j = 0;
  for (; j + 2 <= size; j += 2) add_pair(sums, row(j), row(j + 1), weights[j], weights[j + 1]);
  if (j < size) add_pair(sums, row(j), _mm256_setzero_si256(), weights[j], 0);
  __m256i values[4];
  for (int i = 0; i < 4; ++i) {
    __m256i sum = _mm256_add_epi32(sums.low[i], _mm256_slli_epi32(sums.high[i], kLowBits));
    values[i] = _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (kPrecision - 1))), kPrecision);
  }
  // The packs undo the unpacks, lane by lane.
  return _mm256_packus_epi16(_mm256_packs_epi32(values[0], values[1]), _mm256_packs_epi32(values[2], values[3]));
}

}  // namespace
}  // namespace jc::resample

int32_t jc::avx2::resample(jc_context* context, const jc_resample_args* a) {
  using namespace jc::resample;
  if (int32_t status = check(context, a)) return status;
  Shape s = shape(a);
  auto* part = static_cast<uint8_t*>(a->workspace);
  uint8_t* finished = part + part_bytes(s);
  auto* weights = reinterpret_cast<int16_t*>(finished + s.stride);
  split(a, s.groups, weights);
  if (a->channels == 3) {
    all_columns<3>(a, s, weights, part);
  } else if (a->channels == 4) {
    all_columns<4>(a, s, weights, part);
  } else if (a->channels == 1) {
    for (int64_t r = s.from; r < s.to; r += kRows) {
      int64_t rows = s.to - r < kRows ? s.to - r : kRows;
      columns_of_grey(a, s.groups, weights, a->x + r * a->x_row, rows, part + (r - s.from) * s.stride, s.stride);
    }
  } else {
    for (int64_t r = s.from; r < s.to; ++r) columns_of_two(a, a->x + r * a->x_row, part + (r - s.from) * s.stride);
  }
  for (int64_t r = 0; r < a->rows; ++r) {
    const uint8_t* x = part + (a->row_first[r] - s.from) * s.stride;
    for (int64_t i = 0; i < a->columns * a->channels; i += 32) {
      __m256i bytes = rows_of_32(x + i, s.stride, a->row_weights + r * a->row_taps, a->row_size[r]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(finished + i), bytes);
    }
    put(a, r, finished);
  }
  return JC_OK;
}
