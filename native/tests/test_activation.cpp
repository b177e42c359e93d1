// The activations of an epilogue against double precision, over floats of every size; `jclip_test_activation N`: over every Nth float.
// y = activation(1 w^T) with one row and k = 1 hands each value to the activation as it is.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};
// Below this the parts of a result may be denormal: errors count in smallest normal floats.
constexpr double kTiny = 0x1p-120;
jc_context context;

float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

double truth(double x, int64_t activation) {
  if (activation == JC_RELU) return x < 0 ? 0 : x;
  if (activation == JC_QUICK_GELU) return x / (1 + exp(-1.702 * x));
  return 0.5 * x * erfc(-x * M_SQRT1_2);
}

struct Worst {
  double ulp = 0, tiny = 0;
  float at = 0;
};

void compare(float x, float y, int64_t activation, Worst* worst) {
  double t = truth(x, activation), error = fabs(y - t);
  if (isinf(x) && x > 0 ? y == x : fabs(t) > 3.4028235677973366e38) return;
  if (!(error < 1e300)) error = 1e300;
  if (fabs(t) < kTiny) {
    worst->tiny = std::max(worst->tiny, error * 0x1p126);
    return;
  }
  int exponent;
  frexp(t, &exponent);
  double ulp = error * pow(2, 24 - exponent);
  if (ulp > worst->ulp) worst->ulp = ulp, worst->at = x;
}

class Batch {
 public:
  static constexpr int64_t kSize = 1 << 18;
  Batch() {
    packed_ = static_cast<float*>(
        aligned_alloc(64, static_cast<size_t>(jc_gemm_packed_bytes(&context, kSize, 1) + 63) / 64 * 64));
    workspace_ = static_cast<float*>(aligned_alloc(64, 1 << 20));
    y_.resize(kSize);
  }
  ~Batch() {
    free(packed_);
    free(workspace_);
  }
  void run(const std::vector<float>& x, int64_t activation, Worst* worst) {
    int64_t n = static_cast<int64_t>(x.size());
    float one = 1;
    jc_gemm_pack_args pack{x.data(), packed_, n, 1, 1, 1, JC_F32};
    jc_gemm_args args{};
    args.a = &one, args.packed = packed_, args.y = y_.data(), args.workspace = workspace_,
    args.workspace_bytes = 1 << 20;
    args.rows = 1, args.n = n, args.k = 1, args.lda = 1, args.ldy = n, args.activation = activation;
    if (jc_gemm_pack(&context, &pack) != JC_OK || jc_gemm(&context, &args) != JC_OK) {
      printf("%s\n", context.message);
      exit(1);
    }
    for (size_t i = 0; i < x.size(); ++i) compare(x[i], y_[i], activation, worst);
  }

 private:
  float *packed_, *workspace_;
  std::vector<float> y_;
};

Worst sweep(int64_t activation, uint64_t step) {
  Worst worst;
  Batch batch;
  std::vector<float> x;
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += step) {
    float value = from_bits(static_cast<uint32_t>(bits));
    if (isfinite(value)) x.push_back(value);
    if (static_cast<int64_t>(x.size()) == Batch::kSize) {
      batch.run(x, activation, &worst);
      x.clear();
    }
  }
  if (!x.empty()) batch.run(x, activation, &worst);
  return worst;
}

// What is not a number stays so, infinity stays infinity.
bool special(int64_t activation) {
  float one = 1, w[3] = {from_bits(0x7fc00000), from_bits(0x7f800000), 0}, y[3];
  alignas(64) static float packed[64];
  alignas(64) static float workspace[1024];
  jc_gemm_pack_args pack{w, packed, 3, 1, 1, 1, JC_F32};
  jc_gemm_args args{};
  args.a = &one, args.packed = packed, args.y = y, args.workspace = workspace, args.workspace_bytes = sizeof workspace;
  args.rows = 1, args.n = 3, args.k = 1, args.lda = 1, args.ldy = 3, args.activation = activation;
  return jc_gemm_pack(&context, &pack) == JC_OK && jc_gemm(&context, &args) == JC_OK && isnan(y[0]) && y[1] == w[1] &&
         y[2] == 0;
}

}  // namespace

int main(int count, char** words) {
  uint64_t step = count > 1 ? std::max<uint64_t>(1, strtoull(words[1], nullptr, 10)) : 1021;
  bool ok = true;
  // The plain version rounds 1.702 x and x / sqrt 2, which the exponential magnifies: it is held to the formula's own noise.
  const char* const names[] = {"identity", "relu", "quick_gelu", "gelu"};
  const double bounds[] = {0, 0, 4, 8}, plain_bounds[] = {0, 0, 100, 200};
  for (int64_t isa = JC_REF; isa <= jc_isa(); ++isa) {
    context.isa = isa;
    for (int64_t activation : {JC_RELU, JC_QUICK_GELU, JC_GELU}) {
      Worst worst = sweep(activation, step);
      bool good = special(activation) && worst.tiny < (isa == JC_REF ? 16 : 2e-5) &&
                  worst.ulp <= (isa == JC_REF ? plain_bounds : bounds)[activation];
      printf("%-7s %-10s %s, largest error %.3f ulp at %.9g, below 2^-120 %.1e smallest normals\n", kNames[isa],
             names[activation], good ? "ok" : "FAILED", worst.ulp, static_cast<double>(worst.at), worst.tiny);
      ok = ok && good;
    }
  }
  return ok ? 0 : 1;
}
