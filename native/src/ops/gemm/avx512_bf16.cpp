#include "ops/gemm/tile.h"
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

}  // namespace

void multiply_bf16(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes) {
  Product rounded = p;
  rounded.gather = gather_rounded;
  multiply_tiles<Avx512Bf16, kAvx512Tile.rows>(context, rounded, workspace, workspace_bytes);
}

}  // namespace jc::avx512
