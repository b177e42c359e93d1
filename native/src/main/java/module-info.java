/** Carries the native CPU library of jclip as a resource (META-INF/jclip/linux-x86_64/libjclip.so); no classes. */
module io.jclip.natives {}
