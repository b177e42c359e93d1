// The activations of an epilogue, for a vector type V of simd/vector_*.h.
// Errors are in ulp of the result, against double precision, where the result is at least 2^-120 (tests/test_activation.cpp).
#pragma once

#include <initializer_list>

namespace jc {

// e^(high + low) for |low| a rounding error of high; high in [-250, 110], at its ends 0 and infinity.
// n = round(high / ln 2), r = the rest in two steps, e^r = 1 + r + r^2 q(r) with q minimax of degree 4 (3e-9).
template <class V>
typename V::Float exp_sum(typename V::Float high, typename V::Float low) {
  auto n = V::round(V::mul(high, V::set(1.44269504f)));
  auto r = V::nfma(n, V::set(0.693145752f), high);
  r = V::add(V::nfma(n, V::set(1.42860682e-6f), r), low);
  auto q = V::set(1.38145979e-3f);
  q = V::fma(q, r, V::set(8.36871713e-3f));
  q = V::fma(q, r, V::set(4.16683881e-2f));
  q = V::fma(q, r, V::set(0.166665206f));
  q = V::fma(q, r, V::set(0.499999934f));
  q = V::fma(V::mul(q, r), r, r);
  return V::scale(V::add(q, V::set(1.0f)), n);
}

// e^(-1.702 t) for t in [0, 64].
template <class V>
typename V::Float quick_gelu_exp(typename V::Float t) {
  // The rounding of 1.702 t, and of 1.702 itself, would grow with t in the exponent: both are carried along.
  auto high = V::mul(t, V::set(-1.702f));
  auto low = V::fma(t, V::set(-1.702f), V::negate(high));
  low = V::fma(t, V::set(static_cast<float>(-(1.702 - static_cast<double>(1.702f)))), low);
  return exp_sum<V>(high, low);
}

// x sigmoid(1.702 x), from e = e^(-1.702 |x|): x / (1 + e), and e times that for x < 0. At most 4 ulp.
template <class V>
typename V::Float quick_gelu(typename V::Float x) {
  auto e = quick_gelu_exp<V>(V::min(V::set(64.0f), V::abs(x)));
  auto y = V::div(x, V::add(V::set(1.0f), e));
  return V::if_negative(x, V::mul(y, e), y);
}

// The normal distribution's tail beyond t in [0, 20] over e^(-t^2 / 2): u P(u), u = 1 / (1 + 19/64 t); P is minimax of degree 9
// (6e-9).
template <class V>
typename V::Float normal_tail(typename V::Float t) {
  auto u = V::div(V::set(1.0f), V::fma(t, V::set(0.296875f), V::set(1.0f)));
  auto p = V::set(-0.0189419575f);
  for (float c : {0.107007742f, -0.224928856f, 0.1955989f, -0.0805793628f, 0.0978028104f, 0.0779407322f, 0.10933359f,
                  0.118326597f, 0.118439823f})
    p = V::fma(p, u, V::set(c));
  return V::mul(u, p);
}

// e^(-t^2 / 2) for t in [0, 20].
template <class V>
typename V::Float normal_exp(typename V::Float t) {
  auto square = V::mul(t, t);
  auto rest = V::fma(t, t, V::negate(square));
  return exp_sum<V>(V::mul(square, V::set(-0.5f)), V::mul(rest, V::set(-0.5f)));
}

// x (1 + erf(x / sqrt 2)) / 2. Both sides of zero come from the tail, so that nothing cancels. At most 8 ulp.
template <class V>
typename V::Float gelu(typename V::Float x) {
  auto bound = V::max(V::set(-20.0f), V::min(V::set(20.0f), x));
  auto t = V::abs(bound);
  auto part = V::mul(V::mul(normal_tail<V>(t), bound), normal_exp<V>(t));
  return V::if_negative(x, part, V::sub(x, part));
}

// The slope of quick_gelu: s (1 + 1.702 x (1 - s)), s = sigmoid(1.702 x). On the left of zero, with r = 1 / (1 + e), it is
// e r (1 - 1.702 |x| r); on the right one less that.
template <class V>
typename V::Float quick_gelu_slope(typename V::Float x) {
  auto t = V::min(V::set(64.0f), V::abs(x));
  auto e = quick_gelu_exp<V>(t);
  auto r = V::div(V::set(1.0f), V::add(V::set(1.0f), e));
  auto left = V::mul(V::mul(e, r), V::nfma(V::mul(t, V::set(1.702f)), r, V::set(1.0f)));
  return V::if_negative(x, left, V::sub(V::set(1.0f), left));
}

// The slope of gelu: Phi(x) + x phi(x). On the left of zero e^(-t^2 / 2) (tail - t / sqrt(2 pi)), t = |x|; on the right one less that.
template <class V>
typename V::Float gelu_slope(typename V::Float x) {
  auto t = V::min(V::set(20.0f), V::abs(x));
  auto left = V::mul(normal_exp<V>(t), V::nfma(t, V::set(0.39894228f), normal_tail<V>(t)));
  return V::if_negative(x, left, V::sub(V::set(1.0f), left));
}

}  // namespace jc
