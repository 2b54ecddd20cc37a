# How Sabot's own code is compiled and put together:
#
#   sabot_library(kernels             the folder src/sabot/kernels as Sabot::kernels, a static library
#     SOURCES   math.cc returns.cc    without any: headers only
#     DEPENDS   data market           other folders, left of this one in src/sabot/LAYERS
#     LIBRARIES Sabot::sleef)         what its sources use; Arrow comes with every folder
#
#   sabot_test(returns_test           one executable, one test of ctest, named kernels/returns_test
#     SOURCES    returns_test.cc      with GoogleTest's main
#     DEPENDS    kernels
#     LIBRARIES  ...
#     SAME_BITS  v3                   variants (see sabot_variant) in which it must pass as well,
#     OTHER_BITS v3_contracted)       and variants in which it must fail: they show that the test bites
#
#   sabot_benchmark(returns_benchmark SOURCES ... DEPENDS ... LIBRARIES ...)    the same with google-benchmark's main
#
# A source whose name ends in the name of an instruction set is compiled for it: math_avx.cc, math_avx512f.cc.
include_guard(GLOBAL)

find_program(SABOT_CCACHE ccache)
mark_as_advanced(SABOT_CCACHE)
if(SABOT_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SABOT_CCACHE}")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# The same bits on every CPU: no fused multiply-add that the source does not spell. The other two change no value; they
# let loops become vectors. Whoever compiles our headers needs them too, so the installed targets carry them.
set(sabot_numeric_flags -ffp-contract=${SABOT_FP_CONTRACT} -fno-math-errno -fno-trapping-math)
set(sabot_flags -march=${SABOT_MARCH} ${sabot_numeric_flags} -Wall -Wextra -Wpedantic)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND sabot_flags -Wno-restrict              # False alarms on std::string in g++ 12 (gcc bug 105651),
       -Wno-maybe-uninitialized)                     # and on std::optional that is moved (80635).
endif()
if(SABOT_WERROR)
  list(APPEND sabot_flags -Werror)
endif()
if(SABOT_SANITIZE)
  add_compile_options(-fsanitize=${SABOT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SABOT_SANITIZE})
endif()

# Adds the folders of `root` that have a CMakeLists.txt: those of the layer line in its order, then any others named.
# A folder that gets one later is noticed by the next build.
function(sabot_add_folders root)
  file(STRINGS "${PROJECT_SOURCE_DIR}/src/sabot/LAYERS" line REGEX "^[^#]")
  string(REGEX MATCHALL "[a-z_]+" folders "${line}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/sabot/LAYERS")
  file(GLOB present CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/${root}" "${PROJECT_SOURCE_DIR}/${root}/*/CMakeLists.txt")
  foreach(folder IN LISTS folders ARGN)
    if("${folder}/CMakeLists.txt" IN_LIST present)
      add_subdirectory("${PROJECT_SOURCE_DIR}/${root}/${folder}")
    endif()
  endforeach()
endfunction()

# Sources with their instruction set's flag, from the end of their names.
function(_sabot_source_flags)
  foreach(source IN LISTS ARGN)
    if(source MATCHES "_avx\\.cc$")
      set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS -mavx)
    elseif(source MATCHES "_avx512f\\.cc$")
      set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS -mavx512f)
    endif()
  endforeach()
endfunction()

# Links folders, in the variant `suffix` names where a folder has one.
function(_sabot_link_folders target visible suffix)
  foreach(folder IN LISTS ARGN)
    if(TARGET sabot_${folder}${suffix})
      target_link_libraries(${target} ${visible} sabot_${folder}${suffix})
    else()
      target_link_libraries(${target} ${visible} sabot_${folder})
    endif()
  endforeach()
endfunction()

# One library target of a folder; `suffix` and `flags` are empty but for variants.
function(_sabot_add_library target sources depends libraries suffix flags)
  if(NOT sources)
    add_library(${target} INTERFACE)
    set(visible INTERFACE)
  else()
    add_library(${target} STATIC ${sources})
    set(visible PUBLIC)
    _sabot_source_flags(${sources})
    target_compile_options(${target} PRIVATE ${sabot_flags} ${flags})
    foreach(library IN LISTS libraries)
      get_target_property(type ${library} TYPE)
      if(type STREQUAL "INTERFACE_LIBRARY")  # Headers only, and only in our sources: no business of an installed package.
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${library}>)
      else()
        target_link_libraries(${target} PRIVATE ${library})
      endif()
    endforeach()
  endif()
  target_include_directories(${target} ${visible} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                                                  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} ${visible} cxx_std_20)
  target_link_libraries(${target} ${visible} Sabot::arrow)
  _sabot_link_folders(${target} ${visible} "${suffix}" ${depends})
endfunction()

function(sabot_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sabot_library(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(folder IN LISTS arg_DEPENDS)
    if(NOT TARGET sabot_${folder})
      message(FATAL_ERROR "sabot_library(${name}): DEPENDS names '${folder}', which has no CMakeLists.txt yet or does "
                          "not stand left of ${name} in src/sabot/LAYERS.")
    endif()
  endforeach()
  list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  _sabot_add_library(sabot_${name} "${arg_SOURCES}" "${arg_DEPENDS}" "${arg_LIBRARIES}" "" "")
  add_library(Sabot::${name} ALIAS sabot_${name})
  target_compile_options(sabot_${name} INTERFACE "$<INSTALL_INTERFACE:${sabot_numeric_flags}>")
  set_target_properties(sabot_${name} PROPERTIES EXPORT_NAME ${name})

  set_property(GLOBAL APPEND PROPERTY SABOT_LIBRARIES ${name})
  set_property(GLOBAL PROPERTY SABOT_${name}_SOURCES "${arg_SOURCES}")
  set_property(GLOBAL PROPERTY SABOT_${name}_DEPENDS "${arg_DEPENDS}")
  set_property(GLOBAL PROPERTY SABOT_${name}_LIBRARIES "${arg_LIBRARIES}")
endfunction()

# Sabot::sabot: all folders.
function(sabot_everything)
  get_property(folders GLOBAL PROPERTY SABOT_LIBRARIES)
  add_library(sabot INTERFACE)
  add_library(Sabot::sabot ALIAS sabot)
  list(TRANSFORM folders PREPEND sabot_ OUTPUT_VARIABLE targets)
  target_link_libraries(sabot INTERFACE ${targets})
endfunction()

# The folder `of` and all that depend on it once more, compiled with other flags, as sabot_<folder>_<name>. Built where a
# test asks for them only.
function(sabot_variant name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OF" "FLAGS")
  set(rebuilt ${arg_OF})
  get_property(folders GLOBAL PROPERTY SABOT_LIBRARIES)
  foreach(folder IN LISTS folders)
    foreach(list IN ITEMS SOURCES DEPENDS LIBRARIES)
      get_property(${list} GLOBAL PROPERTY SABOT_${folder}_${list})
    endforeach()
    set(touched ${folder} ${DEPENDS})
    foreach(dependency IN LISTS touched)
      if(dependency IN_LIST rebuilt)
        list(APPEND rebuilt ${folder})
        _sabot_add_library(sabot_${folder}_${name} "${SOURCES}" "${DEPENDS}" "${LIBRARIES}" _${name} "${arg_FLAGS}")
        set_target_properties(sabot_${folder}_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
        break()
      endif()
    endforeach()
  endforeach()
  set_property(GLOBAL PROPERTY SABOT_VARIANT_${name} "${arg_FLAGS}")
endfunction()

# One test or benchmark executable; `main` is the library that brings its main function.
function(_sabot_add_executable target sources depends libraries main suffix flags)
  add_executable(${target} ${sources})
  target_compile_options(${target} PRIVATE ${sabot_flags} ${flags})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}")
  _sabot_link_folders(${target} PRIVATE "${suffix}" ${depends})
  target_link_libraries(${target} PRIVATE Sabot::arrow ${libraries} ${main})
endfunction()

# What every test runs with.
set(sabot_test_environment
    "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan-suppressions.txt:allocator_may_return_null=1")
if(SABOT_SANITIZE)
  list(APPEND sabot_test_environment "ARROW_DEFAULT_MEMORY_POOL=system"  # Else sanitizers do not see Arrow's memory,
       "ASAN_OPTIONS=allocator_may_return_null=1")                       # and too much memory is no error of Arrow's.
endif()

function(sabot_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;SAME_BITS;OTHER_BITS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sabot_test(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  _sabot_add_executable(${name} "${arg_SOURCES}" "${arg_DEPENDS}" "${arg_LIBRARIES}" GTest::gtest_main "" "")
  add_test(NAME ${folder}/${name} COMMAND ${name})
  set(tests ${folder}/${name})

  if(SABOT_BUILD_VARIANTS)
    foreach(variant IN LISTS arg_SAME_BITS arg_OTHER_BITS)
      get_property(flags GLOBAL PROPERTY SABOT_VARIANT_${variant})
      _sabot_add_executable(${name}_${variant} "${arg_SOURCES}" "${arg_DEPENDS}" "${arg_LIBRARIES}" GTest::gtest_main
                            _${variant} "${flags}")
      add_test(NAME ${folder}/${name}_${variant} COMMAND ${name}_${variant})
      list(APPEND tests ${folder}/${name}_${variant})
      _sabot_cpu_has_v3(has_v3)
      if(NOT has_v3)
        set_tests_properties(${folder}/${name}_${variant} PROPERTIES DISABLED ON)
      endif()
    endforeach()
    foreach(variant IN LISTS arg_OTHER_BITS)  # GoogleTest's own last line, so that a crash is no success.
      set_tests_properties(${folder}/${name}_${variant} PROPERTIES PASS_REGULAR_EXPRESSION "FAILED TESTS?\n")
    endforeach()
  endif()

  set_tests_properties(${tests} PROPERTIES TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${sabot_test_environment}")
endfunction()

function(sabot_benchmark name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;LIBRARIES")
  _sabot_add_executable(${name} "${arg_SOURCES}" "${arg_DEPENDS}" "${arg_LIBRARIES}" benchmark::benchmark_main "" "")
endfunction()

# Whether the CPU of this machine runs code for x86-64-v3.
function(_sabot_cpu_has_v3 out)
  file(STRINGS /proc/cpuinfo cpu REGEX "^flags" LIMIT_COUNT 1)
  set(${out} ON PARENT_SCOPE)
  foreach(flag IN ITEMS avx2 bmi1 bmi2 f16c fma abm movbe)
    if(NOT cpu MATCHES " ${flag}( |$)")
      set(${out} OFF PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# What `cmake --install` leaves: libraries, headers, and a package that find_package(Sabot) finds.
function(sabot_install_package)
  include(CMakePackageConfigHelpers)
  set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Sabot")
  get_property(folders GLOBAL PROPERTY SABOT_LIBRARIES)
  list(TRANSFORM folders PREPEND sabot_ OUTPUT_VARIABLE targets)
  install(TARGETS sabot ${targets} EXPORT SabotTargets ARCHIVE COMPONENT development
                                                       DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  foreach(folder IN LISTS folders)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/sabot/${folder}" COMPONENT development
            DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/sabot" FILES_MATCHING PATTERN "*.h")
  endforeach()
  if(SABOT_BUILD_PYTHON)  # What `sabot build-kernel` and `build-strategy` compile and link with.
    foreach(folder IN ITEMS data market kernels state operators backtest)
      install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/sabot/${folder}" COMPONENT python DESTINATION sabot/include/sabot
              FILES_MATCHING PATTERN "*.h" PATTERN "*_internal.h" EXCLUDE)
    endforeach()
    install(FILES $<TARGET_FILE:sabot_data> $<TARGET_FILE:sabot_kernels> $<TARGET_FILE:sabot_state> $<TARGET_FILE:sabot_backtest>
            COMPONENT python DESTINATION sabot/lib)
  endif()
  install(EXPORT SabotTargets COMPONENT development NAMESPACE Sabot:: DESTINATION "${package_dir}")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/SabotConfig.cmake.in"
                                "${PROJECT_BINARY_DIR}/SabotConfig.cmake" INSTALL_DESTINATION "${package_dir}")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/SabotConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/SabotConfig.cmake" "${PROJECT_BINARY_DIR}/SabotConfigVersion.cmake"
                "${PROJECT_SOURCE_DIR}/cmake/SabotArrow.cmake" "${PROJECT_SOURCE_DIR}/cmake/SabotSleef.cmake"
                "${PROJECT_SOURCE_DIR}/cmake/SabotRocksDB.cmake" "${PROJECT_SOURCE_DIR}/cmake/SabotWorkbook.cmake"
          COMPONENT development DESTINATION "${package_dir}")
endfunction()
