#include "ops/gemm/tile.h"
#include "simd/vec_avx512.h"
#include "simd/vector_avx512_bf16.h"

namespace jc::avx512 {
namespace {

// Two values of k in each float of the tile.
void gather_rounded(const void* source, int64_t first, int64_t count, float* tile) {
  const auto* a = static_cast<const jc_gemm_args*>(source);
  for (int64_t i = 0; i < count; ++i) {
    const float* from = a->a + (first + i) * a->lda;
    float* to = tile + i * kChunk;
    for (int64_t k = 0; k < a->k; k += 2 * kChunk, to += count * kChunk) {
      Avx512Bf16::round_chunk(to, from + k, a->k - k);
    }
  }
}

constexpr int64_t kColumns = kAvx512Tile.columns;

// Sixteen columns, from `column` on, of step k / 2 where they lie together in w.
void pack_step(const jc_gemm_pack_args* a, int64_t column, int64_t k, float* to) {
  int64_t n = a->n - column < 0 ? 0 : a->n - column < 16 ? a->n - column : 16;
  const float* from = n > 0 ? a->w + k * a->stride_k + column : a->w;
  Avx512::store(to, Avx512Bf16::pairs(from, k + 1 < a->k ? from + a->stride_k : nullptr, n));
}

// Sixteen columns of a panel, k = [first, first + 32): rounded along k, then transposed.
void pack_columns(const jc_gemm_pack_args* a, int64_t column, int64_t first, float* panel) {
  alignas(64) float rounded[16 * 16];
  int64_t k = a->k - first < 32 ? a->k - first : 32, n = a->n - column < 16 ? a->n - column : 16;
  for (int64_t j = 0; j < n; ++j) {
    const float* from = a->w + (column + j) * a->stride_n + first * a->stride_k;
    float values[32];
    if (a->stride_k != 1) {
      for (int64_t i = 0; i < k; ++i) values[i] = from[i * a->stride_k];
      from = values;
    }
    Avx512Bf16::round_chunk(rounded + j * 16, from, k);
  }
  Vec::transpose(rounded, 16, n < 0 ? 0 : n, ceil_div(k, 2), panel + first / 2 * kColumns, kColumns);
}

}  // namespace

void pack_bf16(const jc_context* context, const jc_gemm_pack_args* a) {
  int64_t steps = ceil_div(a->k, 2), panels = ceil_div(a->n, kColumns);
  auto* packed = static_cast<float*>(a->packed);
  parallel(context, parallel_width(context), ceil_div(panels, kPackPanels), [&](int64_t group, int64_t) {
    int64_t end = (group + 1) * kPackPanels < panels ? (group + 1) * kPackPanels : panels;
    for (int64_t k = 0; k < a->k; k += a->stride_n == 1 ? 2 : 32) {
      for (int64_t panel = group * kPackPanels; panel < end; ++panel) {
        float* to = packed + panel * kColumns * steps;
        for (int64_t half = 0; half < kColumns; half += 16) {
          int64_t column = panel * kColumns + half;
          if (a->stride_n == 1) {
            pack_step(a, column, k, to + k / 2 * kColumns + half);
          } else {
            pack_columns(a, column, k, to + half);
          }
        }
      }
    }
  });
}

void multiply_bf16(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes) {
  Product rounded = p;
  rounded.gather = gather_rounded;
  multiply_tiles<Avx512Bf16, kAvx512Tile.rows>(context, rounded, workspace, workspace_bytes);
}

}  // namespace jc::avx512
