// What attention and its gradient share: sequences, tiles of 64 columns in shared memory, the two products.
#pragma once
#include "jc_dev.cuh"

namespace jc {

constexpr int kDim = 64;
constexpr uint32_t kTile = 16 * 128;  // bytes of 16 rows of 64 bf16

struct Sequence {
  int q_first, q_count, kv_first, kv_count;
};

JC_DEV Sequence sequence_of(const int32_t* table, unsigned s, int q_tokens, int kv_tokens) {
  if (!table) return {int(s) * q_tokens, q_tokens, int(s) * kv_tokens, kv_tokens};
  const int32_t* row = table + size_t(s) * 4;
  return {row[0], row[1], row[2], row[3]};
}

// Starts the copy of `rows` rows of 64; rows from `count` on become zeros, because 0 * NaN would poison a product.
JC_DEV void load_rows(uint32_t tile, const bf16* from, int ld, int count, int rows, int thread, int threads) {
  for (int i = thread; i < rows * 8; i += threads) {
    const int row = i >> 3, chunk = i & 7;
    const bool valid = row < count;
    copy_async16(tile + swizzled(uint32_t(row), uint32_t(chunk)), from + (valid ? row * ld + chunk * 8 : 0), valid);
  }
}

// 16 rows of 64 (operands `a`) times rows [16 j, + 16) of a tile, transposed: 16 x 16 dot products.
JC_DEV void dot_products(float (&left)[4], float (&right)[4], const uint32_t (&a)[4][4], uint32_t tile, int j,
                         int lane) {
  JC_UNROLL
  for (int e = 0; e < 4; ++e) left[e] = right[e] = 0.f;
  JC_UNROLL
  for (int step = 0; step < 4; ++step) {
    uint32_t b[4];
    load_b(b, tile, j * 16, step, lane);
    mma(left, a[step], b[0], b[1]);
    mma(right, a[step], b[2], b[3]);
  }
}

// o += weights times rows [16 j, + 16) of a tile; the weights, 16 x 16, become operands where they are.
JC_DEV void accumulate(float (&o)[8][4], const float (&left)[4], const float (&right)[4], uint32_t tile, int j,
                       int lane) {
  uint32_t a[4];
  as_operand(a, left, right);
  JC_UNROLL
  for (int n = 0; n < 4; ++n) {
    uint32_t b[4];
    load_b_transposed(b, tile, j * 16, n, lane);
    mma(o[2 * n], a, b[0], b[1]);
    mma(o[2 * n + 1], a, b[2], b[3]);
  }
}

// 16 rows of accumulators, times `factor` of rows g and g + 8, as bf16 into a tile; a warp barrier must stand before
// and after.
JC_DEV void store_tile(uint32_t tile, const float (&o)[8][4], float factor0, float factor1, int lane) {
  const uint32_t g = uint32_t(lane >> 2), t = uint32_t(lane & 3);
  JC_UNROLL
  for (uint32_t n = 0; n < 8; ++n) {
    sts(tile + swizzled(g, n) + t * 4, pack(o[n][0] * factor0, o[n][1] * factor0));
    sts(tile + swizzled(g + 8, n) + t * 4, pack(o[n][2] * factor1, o[n][3] * factor1));
  }
}

// A tile's 16 rows to rows [first, first + 16) of `to`, as far as they are below `end`; 16 bytes a lane.
JC_DEV void copy_out(bf16* to, int ld, uint32_t tile, int first, int end, int lane) {
  JC_UNROLL
  for (int i = 0; i < 4; ++i) {
    const int local = i * 4 + (lane >> 3), chunk = lane & 7, row = first + local;
    if (row < end) stg128(to + row * ld + chunk * 8, lds128(tile + swizzled(uint32_t(local), uint32_t(chunk))));
  }
}

}  // namespace jc
